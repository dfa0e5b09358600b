import { expect, test } from 'vitest';
import { SharedReads } from '../../../src/controllers/pod-certificate/shared-reads.ts';

/** A source whose reads end when the test says so. */
class Source {
  readonly begun: { readonly end: (value: string) => void; readonly fail: (error: Error) => void }[] = [];

  readonly get = async (): Promise<string> =>
    new Promise((resolve, reject) => {
      this.begun.push({ end: resolve, fail: reject });
    });
}

test('nobody gets a read that had begun before they asked; all who ask meanwhile share the next', async () => {
  const [reads, source] = [new SharedReads<string>(), new Source()];
  const first = reads.read('web', source.get);
  const others = [reads.read('web', source.get), reads.read('web', source.get)];
  expect(source.begun).toHaveLength(1);
  source.begun[0]?.end('old');
  expect(await first).toBe('old');
  await expect.poll(() => source.begun.length).toBe(2);
  const late = reads.read('web', source.get);
  source.begun[1]?.end('new');
  expect(await Promise.all(others)).toEqual(['new', 'new']);
  await expect.poll(() => source.begun.length).toBe(3);
  source.begun[2]?.end('newest');
  expect(await late).toBe('newest');
});

test('a read that fails fails for its own readers alone, and other keys wait for nobody', async () => {
  const [reads, source, other] = [new SharedReads<string>(), new Source(), new Source()];
  const first = reads.read('web', source.get);
  const second = reads.read('web', source.get);
  const elsewhere = reads.read('cart', other.get);
  expect(other.begun).toHaveLength(1);
  source.begun[0]?.fail(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await expect.poll(() => source.begun.length).toBe(2);
  source.begun[1]?.end('there');
  other.begun[0]?.end('cart');
  expect(await Promise.all([second, elsewhere])).toEqual(['there', 'cart']);
});
