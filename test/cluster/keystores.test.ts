/** What `mtlsd controller` writes beside the pair, on a real API server: keystores, whose password comes from a Secret that nobody watches, roots of others, and tokens. */
import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPkcs12 } from '../../src/x509/index.ts';
import { BundlePeer } from './bundle-peer.ts';
import { ControllerProcess } from './controller-process.ts';
import { fileOf, identity, isReady, messageOf, paths, says, serialOf, Site, trustDomain, type Live } from './controller-site.ts';

const asks = { formats: { der: true, pkcs12: { passwordSecretRef: { name: 'store' } } } };
const passwordSecret = (password: string, annotations: Readonly<Record<string, string>> = {}): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: 'shop', name: 'store', annotations },
  stringData: { password },
});

async function open(secret: Live, password: string) {
  const stores = ['keystore.p12', 'truststore.p12'].map((name) => openPkcs12(Buffer.from(secret.data?.[name] ?? '', 'base64'), password));
  const [own, trust] = await Promise.all(stores);
  return { alias: own?.entries[0]?.alias, serial: own?.entries[0]?.chain[0]?.serialNumber, roots: trust?.trusted.length };
}

describe('keystores', () => {
  let site: Site;
  let controller: ControllerProcess;
  const secretNow = (): Promise<Live> => site.see(paths.secret('shop', 'cart-mtls'));

  beforeAll(async () => {
    site = await Site.open();
    await site.addNamespace('shop', ['cart']);
    controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    await site.apply(trustDomain('shop.example'));
    await site.see(paths.trustDomain('shop.example'), isReady);
  });
  afterAll(async () => {
    await controller.stop();
    await site[Symbol.asyncDispose]();
  });

  test('without the password the pair is issued, and the condition names what is missing', async () => {
    await site.apply(identity('shop', 'cart', asks));
    const object = await site.see(paths.identity('shop', 'cart'), says('Formats', 'KeystorePasswordMissing'));
    expect(messageOf(object, 'Formats')).toContain('Secret shop/store, which holds the password, does not exist: create it with the key password');
    expect(says('Issued', 'Issued')(object)).toBe(true);
    expect(Object.keys((await secretNow()).data ?? {}).sort()).toEqual(['bundle.json', 'ca.crt', 'ca.der', 'chain.der', 'credential-bundle.pem', 'key.der', 'tls.crt', 'tls.der', 'tls.key']);
  });

  test('once it is there the keystores are written, beside the same certificate, and the identity is ready', async () => {
    const serial = serialOf(await secretNow());
    await site.apply(passwordSecret('open sesame'));
    // An edit has it looked at now; by itself it is looked at every half minute while it is missing.
    await site.apply(identity('shop', 'cart', { ...asks, secretTemplate: { labels: { team: 'front' } } }));
    await site.see(paths.identity('shop', 'cart'), isReady);
    const secret = await secretNow();
    expect(serialOf(secret)).toBe(serial);
    expect(await open(secret, 'open sesame')).toEqual({ alias: 'cart', serial, roots: 1 });
  });

  test('a changed password writes them again: the Secret once, the status once', async () => {
    const serial = serialOf(await secretNow());
    await site.apply(passwordSecret('close sesame'));
    const writes = await site.writesDuring(async () => {
      await site.apply(identity('shop', 'cart', { ...asks, secretTemplate: { labels: { team: 'back' } } }));
      await site.see(paths.secret('shop', 'cart-mtls'), (secret) => secret.metadata.labels?.['team'] === 'back');
      await site.see(paths.identity('shop', 'cart'), (object) => Number(object.status?.['observedGeneration']) === 3);
    });
    expect(await open(await secretNow(), 'close sesame')).toEqual({ alias: 'cart', serial, roots: 1 });
    expect(writes.length, writes.join('\n')).toBe(2);
  });

  test('roots of another trust domain come as a file of their own, beside the same certificate, and go again', async () => {
    await using peer = await BundlePeer.start();
    await site.addNamespace('bank', ['till']);
    // Here the peer has the name of the trust domain that the others belong to.
    await site.apply(trustDomain('bank.example', { federatesWith: [peer.entry] }), identity('bank', 'till', { trustDomain: 'bank.example', federatesWith: [peer.name] }));
    const file = `federated.${peer.name}.crt`;
    const kept = async (): Promise<number> => (await site.list(paths.secrets('mtlsd-system'))).filter(({ type }) => type === 'mtlsd.io/federated-bundle').length;
    const secret = await site.see(paths.secret('bank', 'till-mtls'), ({ data }) => data?.[file] !== undefined);
    expect(Buffer.from(secret.data?.[file] ?? '', 'base64').toString()).toBe(peer.roots);
    await site.see(paths.identity('bank', 'till'), says('Federated', 'Delivered'));
    const domain = await site.see(paths.trustDomain('bank.example'), says('Federated', 'Fetched'));
    expect(domain.status?.['federation']).toMatchObject([{ trustDomain: peer.name, sequence: '7', roots: 1, refreshHintSeconds: 600 }]);
    expect(await kept()).toBe(1);
    await site.apply(trustDomain('bank.example', { federatesWith: [] }));
    const without = await site.see(paths.secret('bank', 'till-mtls'), ({ data }) => data?.[file] === undefined);
    expect([serialOf(without), without.data?.['ca.crt']]).toEqual([serialOf(secret), secret.data?.['ca.crt']]);
    await site.see(paths.identity('bank', 'till'), says('Federated', 'PeerUnknown'));
    await expect.poll(kept, { timeout: 20_000 }).toBe(0);
  });

  test('a token for each audience comes beside the same certificate, and goes again', async () => {
    await site.addNamespace('mint', ['cart']);
    const issuer = 'https://tokens.mint.example';
    const asked = (...audiences: readonly object[]) => identity('mint', 'cart', { trustDomain: 'mint.example', jwt: { audiences } });
    await site.apply(trustDomain('mint.example', { jwt: { issuer, algorithm: 'RS256' } }), asked({ name: 'bank', audience: 'https://bank.example' }));
    const secret = await site.see(paths.secret('mint', 'cart-mtls'), ({ data }) => data?.['bank.jwt'] !== undefined);
    await site.see(paths.identity('mint', 'cart'), says('Tokens', 'Delivered'));
    const { status } = await site.see(paths.trustDomain('mint.example'), says('JWTReady', 'KeyActive'));
    const record = await site.see(paths.secret('mtlsd-system', 'mtlsd-authorities-mint.example'));
    const { jwt } = JSON.parse(fileOf(record, 'record.json')) as { jwt: { keys: { keyIdentifier: string; publicKey: string }[] } };
    const [key] = jwt.keys;
    const published = createPublicKey({ key: Buffer.from(key?.publicKey ?? '', 'base64'), format: 'der', type: 'spki' });
    const { payload } = await jwtVerify(fileOf(secret, 'bank.jwt'), published, { issuer, audience: 'https://bank.example', algorithms: ['RS256'] });
    expect([payload.sub, decodeProtectedHeader(fileOf(secret, 'bank.jwt')).kid]).toEqual(['spiffe://mint.example/ns/mint/sa/cart', key?.keyIdentifier]);
    // As long as kubelet may take to show it, and not the five minutes of the trust domain.
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(375);
    expect(status?.['jwt']).toMatchObject({ sequence: 1, keys: [{ keyIdentifier: key?.keyIdentifier, algorithm: 'RS256', state: 'Active' }] });
    await site.apply(asked());
    const without = await site.see(paths.secret('mint', 'cart-mtls'), ({ data }) => data?.['bank.jwt'] === undefined);
    expect(serialOf(without)).toBe(serialOf(secret));
  });
});
