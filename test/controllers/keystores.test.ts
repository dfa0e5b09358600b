import { beforeAll, describe, expect, test } from 'vitest';
import { openPkcs12 } from '../../src/x509/index.ts';
import { orderWebCrypto } from '../model/crypto-order.ts';
import { fillKeyPools } from '../model/key-pool.ts';
import { KeystoreBench, minuteMs } from './keystore-bench.ts';

const keystoreNames = ['keystore.p12', 'truststore.p12'];
const bySecret = { pkcs12: { passwordSecretRef: { name: 'store' } } };
const byFile = { pkcs12: { passwordFile: 'cart.password' } };

beforeAll(async () => {
  orderWebCrypto();
  await fillKeyPools();
});

describe('in a cluster', () => {
  test('keystores come with the pair: two writes, and none while idle but a read every five minutes', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('open sesame\n');
    const before = bench.writes;
    bench.put(bySecret);
    await bench.settle();
    await bench.expectStores('open sesame');
    expect(bench.condition('Formats')).toMatchObject({ status: 'True', reason: 'Written', message: 'keystore.p12, truststore.p12 are in Secret cart-mtls' });
    expect(bench.condition('Ready')).toMatchObject({ status: 'True' });
    const issued = bench.writes;
    expect(issued).toEqual({ secrets: before.secrets + 1, identityStatus: before.identityStatus + 1 });
    const reads = bench.reads;
    await bench.pass(30 * minuteMs, 5 * minuteMs);
    expect(bench.writes).toEqual(issued);
    expect(bench.reads - reads).toBeLessThanOrEqual(7);
    expect(bench.reads - reads).toBeGreaterThanOrEqual(5);
  });

  test('a renewal writes them anew with the pair, in one write', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('open sesame');
    bench.put(bySecret);
    await bench.settle();
    const [before, serial] = [bench.writes, bench.identity.status?.serialNumber];
    await bench.pass(75 * minuteMs, 5 * minuteMs);
    expect(bench.identity.status?.serialNumber).not.toBe(serial);
    expect(bench.writes).toEqual({ secrets: before.secrets + 1, identityStatus: before.identityStatus + 1 });
    await bench.expectStores('open sesame');
  });

  test('a changed password writes the keystores again, with the same certificate', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('open sesame');
    bench.put(bySecret);
    await bench.settle();
    const serial = bench.identity.status?.serialNumber;
    bench.password('close sesame');
    const before = bench.writes.secrets;
    await bench.pass(6 * minuteMs);
    await bench.expectStores('close sesame');
    expect([bench.identity.status?.serialNumber, bench.writes.secrets]).toEqual([serial, before + 1]);
  });

  test('a password Secret that is touched without a new password leads to no write, after a restart either', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('open sesame');
    bench.put(bySecret);
    await bench.settle();
    const before = bench.writes;
    for (let touch = 0; touch < 4; touch += 1) {
      bench.password('open sesame', 'password', { touched: String(touch) });
      await bench.pass(6 * minuteMs);
    }
    bench.world.crash();
    bench.world.start();
    await bench.settle();
    expect(bench.writes).toEqual(before);
    await bench.expectStores('open sesame');
  });

  test.each([
    ['does not exist', (bench: KeystoreBench) => bench.removePassword(), 'KeystorePasswordMissing', 'Secret shop/store, which holds the password, does not exist: create it with the key password'],
    ['lacks the key', (bench: KeystoreBench) => bench.password('open sesame', 'pass'), 'KeystorePasswordMissing', 'Secret shop/store, which holds the password, has no key password: add it, or set spec.formats.pkcs12.passwordSecretRef.key to the key that it has'],
    ['is too short', (bench: KeystoreBench) => bench.password('short'), 'KeystorePasswordInvalid', "the value of key password of Secret shop/store cannot be a password: a keystore's password has 6 to 256 characters of printable ASCII, and one line break behind them does not count"],
    ['has letters that readers do not read alike', (bench: KeystoreBench) => bench.password('geöffnet'), 'KeystorePasswordInvalid', "the value of key password of Secret shop/store cannot be a password: a keystore's password has 6 to 256 characters of printable ASCII, and one line break behind them does not count"],
  ])('a password Secret that %s: the pair is issued, the condition says what is missing, and it heals', async (_, spoil, reason, message) => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('other words');
    spoil(bench);
    bench.put(bySecret);
    await bench.settle();
    expect(bench.condition('Issued')).toMatchObject({ status: 'True' });
    expect(Object.keys(bench.data).sort()).toEqual(['bundle.json', 'ca.crt', 'credential-bundle.pem', 'tls.crt', 'tls.key']);
    expect(bench.condition('Formats')).toMatchObject({ status: 'False', reason, message: `${message}; until then keystore.p12 and truststore.p12 are not in Secret cart-mtls, and the other files are renewed` });
    expect(bench.condition('Ready')).toMatchObject({ status: 'False', reason, message: bench.condition('Formats')?.message });
    expect(bench.told.filter((line) => line.includes(`"reason":"${reason}"`) && line.includes('Warning'))).toHaveLength(1);
    const [serial, before] = [bench.identity.status?.serialNumber, bench.writes];
    await bench.pass(5 * minuteMs);
    expect(bench.writes).toEqual(before);
    bench.password('open sesame');
    await bench.pass(minuteMs);
    await bench.expectStores('open sesame');
    expect(bench.condition('Ready')).toMatchObject({ status: 'True' });
    expect(bench.identity.status?.serialNumber).toBe(serial);
  });

  test('L12: when the password goes, renewals go on and the keystores stay until their certificate ends', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('open sesame');
    bench.put(bySecret);
    await bench.settle();
    const [serial, stores] = [bench.identity.status?.serialNumber, keystoreNames.map((name) => bench.data[name])];
    bench.removePassword();
    await bench.pass(75 * minuteMs, 5 * minuteMs);
    expect(bench.identity.status?.serialNumber).not.toBe(serial);
    expect(keystoreNames.map((name) => bench.data[name])).toEqual(stores);
    expect(bench.condition('Ready')).toMatchObject({ status: 'True' });
    expect(bench.condition('Formats')).toMatchObject({ status: 'False', reason: 'KeystorePasswordMissing' });
    await bench.pass(75 * minuteMs, 5 * minuteMs);
    expect(keystoreNames.filter((name) => name in bench.data)).toEqual([]);
    expect(bench.condition('Ready')).toMatchObject({ status: 'False', reason: 'KeystorePasswordMissing' });
  });

  test('a keystore that somebody changed is repaired', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('open sesame');
    bench.put(bySecret);
    await bench.settle();
    bench.edit((secret) => ({ data: { ...secret.data, 'truststore.p12': Buffer.from('not a keystore').toString('base64') } }));
    await bench.settle();
    await bench.expectStores('open sesame');
    expect(bench.told.some((line) => line.includes('truststore.p12 was changed'))).toBe(true);
  });

  test('formats come and go with the spec, with the same certificate', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('open sesame');
    bench.put(undefined);
    await bench.settle();
    const serial = bench.identity.status?.serialNumber;
    const further = (): readonly string[] => Object.keys(bench.data).filter((name) => /\.(?:p12|der)$/u.test(name)).sort();
    expect([further(), bench.condition('Formats')]).toEqual([[], undefined]);
    bench.put({ der: true, ...bySecret });
    await bench.settle();
    expect(further()).toEqual(['ca.der', 'chain.der', 'key.der', 'keystore.p12', 'tls.der', 'truststore.p12']);
    expect(bench.condition('Formats')?.message).toBe('tls.der, chain.der, key.der, ca.der, keystore.p12, truststore.p12 are in Secret cart-mtls');
    const before = bench.bytes('keystore.p12');
    bench.put({ pkcs12: { ...bySecret.pkcs12, alias: 'tls', profile: 'Compatible' } });
    await bench.settle();
    expect(further()).toEqual(['keystore.p12', 'truststore.p12']);
    expect(bench.bytes('keystore.p12').equals(before)).toBe(false);
    expect(await openPkcs12(bench.bytes('keystore.p12'), 'open sesame')).toMatchObject({ profile: 'Compatible', entries: [{ alias: 'tls' }] });
    bench.put(undefined);
    await bench.settle();
    expect([further(), bench.condition('Formats'), bench.identity.status?.serialNumber]).toEqual([[], undefined, serial]);
  });

  test('a file as source is refused in words', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.put(byFile);
    await bench.settle();
    expect(bench.condition('Issued')).toMatchObject({ status: 'True' });
    expect(bench.condition('Formats')).toMatchObject({ status: 'False', reason: 'KeystorePasswordUnsupported' });
    expect(bench.condition('Formats')?.message).toContain('set passwordSecretRef to a Secret of this namespace');
  });

  test('L26: the password stands in no line, condition, event, annotation or audit record', async () => {
    const bench = await KeystoreBench.start('cluster');
    bench.password('OpenSesame-7');
    bench.put(bySecret);
    await bench.settle();
    bench.password('OpenSesame-7\u0000');
    await bench.pass(6 * minuteMs);
    const secret = bench.world.store.peek({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' });
    expect(JSON.stringify([bench.told, bench.identity, secret?.metadata])).not.toContain('OpenSesame');
  });
});

describe('outside Kubernetes', () => {
  test('the password comes from a file, and its change is seen in seconds', async () => {
    const bench = await KeystoreBench.start('standalone');
    bench.put(byFile);
    await bench.settle();
    expect(bench.condition('Formats')).toMatchObject({ reason: 'KeystorePasswordMissing' });
    bench.files.set('cart.password', { bytes: Buffer.from('open sesame\r\n'), version: '1' });
    await bench.pass(6000, 1000);
    await bench.expectStores('open sesame');
    bench.files.set('cart.password', { bytes: Buffer.from('close sesame'), version: '2' });
    await bench.pass(6000, 1000);
    await bench.expectStores('close sesame');
  });

  test('a Secret as source is refused in words', async () => {
    const bench = await KeystoreBench.start('standalone');
    bench.put(bySecret);
    await bench.settle();
    expect(bench.condition('Issued')).toMatchObject({ status: 'True' });
    expect(bench.condition('Formats')?.message).toContain('set passwordFile to a file below the folder of manifests');
  });
});
