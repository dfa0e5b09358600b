/** X.509-SVIDs by certificate signing request: what is given, and everything that is refused, with every reason. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpiffeId, validateX509Svid } from '../../../src/spiffe/index.ts';
import { parseCertificate, parsePem, verifySignature } from '../../../src/x509/index.ts';
import { until } from '../../standalone/wait.ts';
import { ApiSite, ciIssuer, externalToken, type Answer } from './api-site.ts';
import { KeyUsageFlags, requestPem, type Asked } from './requests.ts';

interface Given {
  readonly spiffeId: string;
  readonly trustDomain: string;
  readonly certificates: string;
  readonly notAfter: string;
  readonly refreshAt: string;
  readonly bundle: { readonly roots: string; readonly generation: number };
}

const hourMs = 3_600_000;
let site: ApiSite;
let cart: string;
beforeAll(async () => {
  site = await ApiSite.start();
  cart = site.accountToken('shop', 'cart');
});
afterAll(() => site[Symbol.asyncDispose]());

/** What was given, proven by the rules that a peer goes by. */
function proven({ status, body }: Answer): Given & { readonly leaf: X509Certificate } {
  expect([status, body['code'], body['reasons']]).toEqual([200, undefined, undefined]);
  const given = body as unknown as Given;
  const chain = certificates(given.certificates);
  const trust = { trustDomain: parseSpiffeId(given.spiffeId).trustDomain, roots: certificates(given.bundle.roots) };
  const verdict = validateX509Svid(chain, trust, { nowMs: Date.now(), verifySignature });
  expect(verdict).toMatchObject({ valid: true });
  expect(verdict.valid && verdict.spiffeId.toString()).toBe(given.spiffeId);
  return { ...given, leaf: new X509Certificate(given.certificates) };
}

const certificates = (pem: string) => parsePem(pem).map(({ der }) => parseCertificate(der));
const messages = ({ body }: Answer): readonly string[] => ((body['reasons'] ?? []) as readonly { readonly message: string }[]).map(({ message }) => message);

describe('a service account is given', () => {
  test('the identity that an object of its namespace grants, with its names, and the end of it stands in the record', async () => {
    const given = proven(await site.ask(cart, { csr: await requestPem() }));
    expect([given.spiffeId, given.leaf.subject, given.leaf.subjectAltName]).toEqual(['spiffe://shop.example/ns/shop/sa/cart', undefined, 'URI:spiffe://shop.example/ns/shop/sa/cart, DNS:cart.shop.svc']);
    expect(site.reservedMs()).toBeGreaterThanOrEqual(Date.parse(given.notAfter));
    const life = Date.parse(given.notAfter) - Date.now();
    const left = Date.parse(given.refreshAt) - Date.now();
    expect([left > 0.35 * life, left < 0.65 * life]).toEqual([true, true]);
    expect(site.records.filter(({ reason }) => reason === 'CertificateRequest')).toContainEqual(expect.objectContaining({ decision: 'issued', object: 'WorkloadIdentity shop/cart', spiffeId: given.spiffeId }));
  });

  test('what it names that the identity has, by DER too, and a shorter life when it asks for one', async () => {
    const pem = await requestPem({ subject: 'CN=cart.shop.svc', names: [{ type: 'url', value: 'spiffe://shop.example/ns/shop/sa/cart' }, { type: 'dns', value: 'cart.shop.svc' }], usages: KeyUsageFlags.digitalSignature, purposes: ['1.3.6.1.5.5.7.3.2'] });
    const der = pem.replaceAll(/-----[A-Z ]+-----|\s/gu, '');
    const given = proven(await site.ask(cart, { csr: der, identity: 'cart', ttl: '5m' }));
    expect(Date.parse(given.notAfter)).toBeLessThanOrEqual(Date.now() + 300_000);
  });
});

describe('somebody outside is given', () => {
  test('an ID below /ext/, one claim a segment, and no person stands in the audit log', async () => {
    const given = proven(await site.ask(externalToken(), { csr: await requestPem() }));
    expect([given.spiffeId, given.leaf.subjectAltName]).toEqual(['spiffe://shop.example/ext/ci/acme/1234', 'URI:spiffe://shop.example/ext/ci/acme/1234']);
    const record = site.records.find(({ spiffeId }) => spiffeId === given.spiffeId);
    expect(record).toMatchObject({ decision: 'issued', object: 'ExternalIdentity ci', subject: `${ciIssuer} jane@example.org` });
  });

  test.each([
    ['a claim with a slash', { owner: 'acme/evil' }, 'claim owner cannot be a segment'],
    ['a claim that climbs', { owner: '..' }, 'claim owner cannot be a segment'],
    ['an empty claim', { owner: '' }, 'claim owner cannot be a segment'],
    ['a claim that is not there', { owner: undefined }, 'the token has no claim owner'],
    ['a claim that is a list', { repository_id: ['1'] }, 'claim repository_id is neither a text nor a whole number'],
    ['a claim with an escape', { owner: '%2e%2e' }, 'claim owner cannot be a segment'],
  ])('nothing for %s', async (_what, claims, why) => {
    const answer = await site.ask(externalToken(claims), { csr: await requestPem() });
    expect([answer.status, answer.body['code']]).toEqual([403, 'API_IDENTITY_NOT_GRANTED']);
    expect(answer.body['detail']).toContain(why);
  });
});

describe('a request is refused', () => {
  test('with every reason at once, and nothing of it is repeated', async () => {
    const asked: Asked = {
      subject: 'CN=admin.evil.example',
      names: [
        { type: 'url', value: 'spiffe://shop.example/ns/bank/sa/till' },
        { type: 'dns', value: 'cart.shop.svc' },
        { type: 'dns', value: 'admin.evil.example' },
        { type: 'ip', value: '10.9.8.7' },
        { type: 'email', value: 'jane@evil.example' },
      ],
      authority: true,
      usages: KeyUsageFlags.keyCertSign,
      purposes: ['1.3.6.1.5.5.7.3.3'],
    };
    const answer = await site.ask(cart, { csr: await requestPem(asked) });
    expect([answer.status, answer.body['code']]).toEqual([422, 'API_CERTIFICATE_REFUSED']);
    const said = messages(answer);
    for (const part of ['its subject', '1 URI of it is not spiffe://shop.example/ns/shop/sa/cart', 'its DNS name 2', '1 IP address', '1 e-mail address', 'an authority', 'key usages', 'extended key usages']) expect(said.filter((message) => message.includes(part)).length, part).toBeGreaterThan(0);
    expect(said).toHaveLength(8);
    expect(JSON.stringify(answer.body)).not.toMatch(/evil|10\.9\.8\.7|jane/u);
  });

  test.each([
    ['that its key did not sign', async () => tampered(await requestPem()), 'not signed by its own key'],
    ['that is no request', async () => Buffer.from('hello').toString('base64'), 'not strict DER'],
  ])('%s', async (_what, csr, why) => {
    const answer = await site.ask(cart, { csr: await csr() });
    expect([answer.status, answer.body['code']]).toEqual([422, 'API_CERTIFICATE_REFUSED']);
    expect(messages(answer).join()).toContain(why);
  });

  test.each([
    ['a longer life than the identity has', { ttl: '2h' }, 422, 'longer than the 3600s of the identity'],
    ['a life that nobody can keep fresh', { ttl: '1s' }, 422, 'the shortest that a client can keep fresh'],
    ['a life that is no duration', { ttl: 'soon' }, 422, 'it is no duration'],
  ])('that asks for %s', async (_what, part, status, why) => {
    const answer = await site.ask(cart, { csr: await requestPem(), ...part });
    expect(answer.status).toBe(status);
    expect(messages(answer).join()).toContain(why);
  });

  test.each([
    ['has a field that nobody knows', { csr: 'AAAA', dnsNames: ['evil.example'] }],
    ['has no request', {}],
    ['is a list', []],
    ['names two things at once', { csr: 'AAAA', identity: 'a/b/c' }],
    ['holds something that is no base64', { csr: '<script>' }],
  ])('whose body %s', async (_what, body) => {
    const answer = await site.ask(cart, body);
    expect([answer.status, answer.body['code']]).toEqual([400, 'API_REQUEST_INVALID']);
    expect(JSON.stringify(answer.body)).not.toMatch(/evil|script/u);
  });

  test('of a token whose pod is gone, has ended, or is another of its name', async () => {
    const place = { namespace: 'shop', name: 'cart-0' };
    const spec = { serviceAccountName: 'cart', containers: [] };
    const pod = () => site.store.peek({ kind: 'Pod', ...place });
    site.store.apply({ apiVersion: 'v1', kind: 'Pod', metadata: place, spec });
    const token = site.accountToken('shop', 'cart', { pod: { name: 'cart-0', uid: pod()?.metadata.uid ?? '' } });
    const csr = await requestPem();
    expect((await site.ask(token, { csr })).status).toBe(200);
    const { metadata } = pod() ?? {};
    if (metadata === undefined) throw new Error('there is no pod');
    await site.store.patchStatus({ kind: 'Pod', ...place }, { phase: 'Succeeded' }, metadata);
    expect((await site.ask(token, { csr })).body['detail']).toContain('its pod has ended');
    site.store.remove({ kind: 'Pod', ...place });
    expect((await site.ask(token, { csr })).body['detail']).toContain('its pod is gone');
    site.store.apply({ apiVersion: 'v1', kind: 'Pod', metadata: place, spec });
    expect((await site.ask(token, { csr })).body['detail']).toContain('its pod is gone');
  });

  test('of a namespace that is being deleted, whose objects are still there', async () => {
    const place = { namespace: 'leaving', name: 'last' };
    site.store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'leaving', finalizers: ['example.com/hold'] } });
    site.store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: place });
    site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: place, spec: {} });
    await site.controllers.whenIdle();
    const [token, csr] = [site.accountToken('leaving', 'last'), await requestPem()];
    expect((await site.ask(token, { csr })).status).toBe(200);
    site.store.remove({ kind: 'Namespace', name: 'leaving' });
    await until('mtlsd has seen it', async () => (await site.ask(token, { csr })).status === 403 || undefined);
    for (const [url, body] of [['/v1/svids/x509', { csr }], ['/v1/svids/jwt', { audience: 'orders' }]] as const) {
      const answer = await site.ask(token, body, { url });
      expect([answer.status, answer.body['code'], answer.body['detail']], url).toEqual([403, 'API_IDENTITY_NOT_GRANTED', 'namespace leaving is being deleted: nobody in it gets anything more']);
    }
  });

  test('by a replica that stands by, which sends its caller to another one', async () => {
    site.leads = false;
    const answer = await site.ask(cart, { csr: await requestPem() });
    site.leads = true;
    expect([answer.status, answer.body['code'], answer.headers['retry-after'], answer.headers['connection']]).toEqual([503, 'API_STANDBY', '1', 'close']);
  });
});

test('what changes of identity or policy counts from the next request on', async () => {
  await using other = await ApiSite.start();
  const token = other.accountToken('shop', 'cart');
  const csr = await requestPem();
  const set = async (kind: 'WorkloadIdentity' | 'TrustDomain', metadata: { readonly namespace?: string; readonly name: string }, spec: object): Promise<void> => {
    other.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind, metadata, spec });
    await other.controllers.whenIdle();
  };
  const cartIs = (spec: object): Promise<void> => set('WorkloadIdentity', { namespace: 'shop', name: 'cart' }, spec);
  const shopIs = (spec: object): Promise<void> => set('TrustDomain', { name: 'shop.example' }, { default: true, ...spec });
  const names = async () => proven(await other.ask(token, { csr })).leaf.subjectAltName;
  const id = 'URI:spiffe://shop.example/ns/shop/sa/cart';
  expect([await names(), await names()]).toEqual([`${id}, DNS:cart.shop.svc`, `${id}, DNS:cart.shop.svc`]);
  await cartIs({ dnsNames: ['till.shop.svc'] });
  expect(await names()).toBe(`${id}, DNS:till.shop.svc`);
  await shopIs({ dnsNames: { allowedPatterns: [] } });
  expect(messages(await other.ask(token, { csr })).join()).toContain('outside the DNS policy');
  await shopIs({});
  expect(await names()).toBe(`${id}, DNS:till.shop.svc`);
});

test('no path template leads below /ext/', async () => {
  await using other = await ApiSite.start({ pathTemplate: '/{namespace}/{serviceAccount}' });
  const place = { namespace: 'ext', name: 'ci' };
  other.store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: place });
  other.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: place, spec: {} });
  await other.controllers.whenIdle();
  const answer = await other.ask(other.accountToken('ext', 'ci'), { csr: await requestPem() });
  expect(answer.status).toBe(422);
  expect(messages(answer).join()).toContain('/ext/');
  expect(other.store.peek({ kind: 'WorkloadIdentity', ...place })?.status?.conditions?.find(({ type }) => type === 'Issued')?.message).toContain('/ext/');
});

test('one write of the record covers every certificate of the next minutes', async () => {
  const before = site.store.peek({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-shop.example' })?.metadata.resourceVersion;
  const csr = await requestPem();
  for (let index = 0; index < 50; index += 1) expect((await site.ask(cart, { csr })).status).toBe(200);
  expect(site.store.peek({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-shop.example' })?.metadata.resourceVersion).toBe(before);
  expect(site.reservedMs()).toBeLessThan(Date.now() + 4 * hourMs);
});

function tampered(pem: string): string {
  const der = Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/gu, ''), 'base64');
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  return der.toString('base64');
}
