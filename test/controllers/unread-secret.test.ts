/** What nobody could read does not pass for ours. */
import { expect, test } from 'vitest';
import { MtlsdError } from '../../src/errors/index.ts';
import { minuteMs, startBench } from './bench.ts';

test('a Secret that was damaged before its first status is repaired, although it could not be read when that was written', async () => {
  const bench = await startBench();
  const { store } = bench.world;
  const [get, patchStatus] = [store.get.bind(store), store.patchStatus.bind(store)];
  const down = async (): Promise<never> => Promise.reject(new MtlsdError('STORE_UNAVAILABLE', 'down'));
  store.patchStatus = down;
  bench.put('cart');
  await bench.world.drain();
  const secret = bench.secret('cart-mtls');
  if (secret === undefined) throw new Error('no Secret');
  store.patchStatus = patchStatus;
  store.get = async (key) => (key.name === 'cart-mtls' ? down() : get(key));
  bench.world.asUser('somebody', () => store.apply({ ...secret, data: { ...secret.data, 'tls.key': '' } }));
  await bench.world.drain();
  expect(bench.identity('cart').status?.secret).toEqual({ name: 'cart-mtls' });
  store.get = get;
  await bench.pass(5 * minuteMs);
  expect(bench.secret('cart-mtls')?.data['tls.key']).not.toBe('');
  expect(bench.reason('cart', 'Ready')).toBe('Delivered');
});
