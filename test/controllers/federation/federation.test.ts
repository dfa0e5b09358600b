/** The bundles of others over the real reconcilers, in virtual time: their servers answer, lie, hang and die. */
import { beforeAll, expect, test } from 'vitest';
import type { Secret, TrustDomainSpec } from '../../../src/resources/index.ts';
import type { Certificate } from '../../../src/x509/index.ts';
import { hourMs, minuteMs, restart, startBench, type Bench } from '../bench.ts';
import { documentOf, pemOf, rootOf, Servers } from './peers.ts';

let roots: readonly [Certificate, Certificate];
let others: readonly [Certificate];

beforeAll(async () => {
  roots = [await rootOf('partner.example'), await rootOf('partner.example')];
  others = [await rootOf('other.example')];
});

const web = (name: string) => ({ trustDomain: name, bundleEndpoint: { url: `https://spiffe.${name}/bundle`, profile: 'https_web' as const } });
const spec = (...names: readonly string[]): TrustDomainSpec => ({ svid: { ttl: '4h' }, federatesWith: names.map(web) });

async function start(servers: Servers, domain: TrustDomainSpec): Promise<Bench> {
  return startBench(domain, { fetchBundle: servers.fetch });
}

const file = (bench: Bench, name: string, trustDomain: string): string | undefined => {
  const data = bench.secret(name)?.data[`federated.${trustDomain}.crt`];
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8');
};
const text = (secret: Secret | undefined, key: string) => Buffer.from(secret?.data[key] ?? '', 'base64').toString('utf8');
const status = (bench: Bench) => bench.world.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status;
const peer = (bench: Bench, name: string) => status(bench)?.federation?.find(({ trustDomain }) => trustDomain === name);
const condition = (bench: Bench, name: string) => bench.identity(name).status?.conditions?.find(({ type }) => type === 'Federated');
const federates = (bench: Bench) => status(bench)?.conditions?.find(({ type }) => type === 'Federated');
const kept = (bench: Bench) => [...bench.world.store.all('Secret')].filter(({ metadata }) => metadata.name.startsWith('mtlsd-federated-')).map(({ metadata }) => metadata.name);

test('the roots of another trust domain are a file of their own, written anew without a new certificate', async () => {
  const servers = new Servers();
  servers.serve('spiffe.partner.example', documentOf('partner.example', 1, [roots[0]], 600));
  servers.serve('spiffe.other.example', documentOf('other.example', 5, others, 600));
  const bench = await start(servers, spec('partner.example', 'other.example'));
  bench.put('cart', { federatesWith: ['partner.example'] });
  bench.put('till');
  await bench.pass(minuteMs);
  expect(file(bench, 'cart-mtls', 'partner.example')).toBe(pemOf([roots[0]]));
  // Those alone that it asks for, and never among its own.
  expect(file(bench, 'cart-mtls', 'other.example')).toBeUndefined();
  expect(file(bench, 'till-mtls', 'partner.example')).toBeUndefined();
  const before = bench.secret('cart-mtls');
  for (const key of ['ca.crt', 'bundle.json']) expect(text(before, key)).toBe(text(bench.secret('till-mtls'), key));
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '1', roots: 1, refreshHintSeconds: 600 });
  expect(federates(bench)).toMatchObject({ status: 'True', reason: 'Fetched' });
  expect(condition(bench, 'cart')).toMatchObject({ status: 'True', reason: 'Delivered' });
  expect(bench.identity('till').status?.conditions?.some(({ type }) => type === 'Federated')).toBe(false);

  const writes = { ...bench.world.checks.writes };
  const asked = servers.asked('spiffe.partner.example');
  await bench.pass(hourMs);
  expect(servers.asked('spiffe.partner.example')).toBeGreaterThan(asked + 4);
  expect(bench.world.checks.writes).toEqual(writes);

  servers.serve('spiffe.partner.example', documentOf('partner.example', 2, roots, 600));
  await bench.pass(11 * minuteMs);
  const after = bench.secret('cart-mtls');
  expect(file(bench, 'cart-mtls', 'partner.example')?.split('BEGIN CERTIFICATE')).toHaveLength(3);
  for (const key of ['tls.crt', 'tls.key', 'ca.crt', 'bundle.json']) expect(after?.data[key]).toBe(before?.data[key]);
  expect(peer(bench, 'partner.example')?.sequence).toBe('2');
});

test('L29: peers that are dead, or never answer, delay neither what is issued nor each other', async () => {
  const servers = new Servers();
  servers.hang('spiffe.slow.example');
  servers.serve('spiffe.partner.example', documentOf('partner.example', 1, [roots[0]]));
  const bench = await start(servers, spec('slow.example', 'dead.example', 'partner.example'));
  bench.put('cart', { federatesWith: ['dead.example', 'partner.example', 'slow.example'] });
  bench.put('plain');
  await bench.pass(10_000, 1_000);
  expect([bench.reason('cart'), bench.reason('plain')]).toEqual(['Issued', 'Issued']);
  expect(bench.reason('cart', 'Ready')).toBe('Delivered');
  expect(file(bench, 'cart-mtls', 'partner.example')).toBe(pemOf([roots[0]]));
  expect(peer(bench, 'dead.example')).toMatchObject({ reason: 'PeerUnreachable' });
  expect(federates(bench)).toMatchObject({ status: 'False', reason: 'BundleMissing', message: expect.stringMatching(/slow\.example, dead\.example/u) as string });
  expect(condition(bench, 'cart')).toMatchObject({ status: 'False', reason: 'BundleMissing', message: expect.stringMatching(/dead\.example, slow\.example/u) as string });
  const writes = { ...bench.world.checks.writes };
  await bench.pass(hourMs);
  expect(bench.world.checks.writes).toEqual(writes);

  servers.serve('spiffe.dead.example', documentOf('dead.example', 1, [await rootOf('dead.example')]));
  await bench.pass(6 * minuteMs);
  expect(file(bench, 'cart-mtls', 'dead.example')).toContain('BEGIN CERTIFICATE');
  expect(peer(bench, 'dead.example')?.reason).toBeUndefined();
});

test('what was fetched last stays in use over lies, silence and restarts, and its sequence never goes back', async () => {
  const servers = new Servers();
  const host = 'spiffe.partner.example';
  servers.serve(host, documentOf('partner.example', 9, [roots[1]], 60));
  const bench = await start(servers, spec('partner.example'));
  bench.put('cart', { federatesWith: ['partner.example'] });
  await bench.pass(minuteMs);
  const delivered = bench.secret('cart-mtls')?.metadata.resourceVersion;
  for (const [document, reason] of [
    [documentOf('partner.example', 8, roots, 60), 'BundleOlder'],
    [documentOf('partner.example', 10, others, 60), 'BundleRefused'],
    ['{}', 'BundleRefused'],
  ] as const) {
    servers.serve(host, document);
    await bench.pass(2 * minuteMs);
    expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '9', reason });
    expect(federates(bench)).toMatchObject({ status: 'False', reason: 'BundleNotFetched' });
    expect(condition(bench, 'cart')?.reason).toBe('Delivered');
  }
  servers.die(host);
  await restart(bench);
  servers.serve(host, documentOf('partner.example', 8, roots, 60));
  await bench.pass(5 * minuteMs);
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '9', reason: 'BundleOlder' });
  expect(bench.secret('cart-mtls')?.metadata.resourceVersion).toBe(delivered);
  servers.serve(host, documentOf('partner.example', 10, roots, 60));
  await bench.pass(2 * minuteMs);
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '10' });
  expect(peer(bench, 'partner.example')?.reason).toBeUndefined();
});

test('a process that dies between any two steps comes back to the same files', async () => {
  for (let steps = 0; steps < 40; steps += 5) {
    const servers = new Servers();
    servers.serve('spiffe.partner.example', documentOf('partner.example', 1, [roots[0]], 60));
    const bench = await startBench(undefined, { fetchBundle: servers.fetch });
    bench.domain(spec('partner.example'));
    bench.put('cart', { federatesWith: ['partner.example'] });
    for (let step = 0; step < steps && bench.world.busy; step += 1) await bench.world.step();
    await restart(bench);
    await bench.pass(2 * minuteMs);
    expect(file(bench, 'cart-mtls', 'partner.example'), `after ${steps} steps`).toBe(pemOf([roots[0]]));
    expect(kept(bench)).toHaveLength(1);
  }
});

test('a peer that is named no more is forgotten: its file goes, and what was kept of it, also over a restart', async () => {
  const servers = new Servers();
  servers.serve('spiffe.partner.example', documentOf('partner.example', 9, [roots[0]]));
  servers.serve('spiffe.other.example', documentOf('other.example', 1, others));
  const bench = await start(servers, spec('partner.example', 'other.example'));
  bench.put('cart', { federatesWith: ['partner.example', 'other.example', 'typo.example'] });
  await bench.pass(minuteMs);
  expect(condition(bench, 'cart')).toMatchObject({ status: 'False', reason: 'PeerUnknown', message: expect.stringMatching(/does not federate with typo\.example/u) as string });
  expect(kept(bench)).toHaveLength(2);
  bench.world.crash();
  bench.domain(spec('other.example'));
  bench.world.start();
  await bench.pass(minuteMs);
  expect(file(bench, 'cart-mtls', 'partner.example')).toBeUndefined();
  expect(file(bench, 'cart-mtls', 'other.example')).toBe(pemOf(others));
  expect(kept(bench)).toHaveLength(1);
  bench.domain(spec());
  await bench.pass(minuteMs);
  expect(kept(bench)).toEqual([]);
  expect([status(bench)?.federation, federates(bench)]).toEqual([undefined, undefined]);
  // Added again, it may begin anew.
  servers.serve('spiffe.partner.example', documentOf('partner.example', 2, [roots[0]]));
  bench.domain(spec('partner.example'));
  await bench.pass(minuteMs);
  expect(peer(bench, 'partner.example')?.sequence).toBe('2');
});

test('https_spiffe: the configured bundle first, then the one that was fetched last; a changed one lets it begin anew', async () => {
  const servers = new Servers();
  const domain = (bootstrap: Certificate): TrustDomainSpec => ({
    federatesWith: [{ trustDomain: 'partner.example', bundleEndpoint: { url: 'https://spiffe.partner.example/bundle', profile: 'https_spiffe', endpointSPIFFEID: 'spiffe://partner.example/spire/server', bootstrapBundle: pemOf([bootstrap]) } }],
  });
  servers.serve('spiffe.partner.example', documentOf('partner.example', 5, [roots[1]], 60));
  const bench = await start(servers, domain(roots[0]));
  await bench.pass(3 * minuteMs);
  const trusted = () => servers.requests.map(({ server }) => (server.profile === 'https_spiffe' ? pemOf(server.roots) : 'web'));
  expect(trusted()[0]).toBe(pemOf([roots[0]]));
  expect(new Set(trusted().slice(1))).toEqual(new Set([pemOf([roots[1]])]));
  servers.serve('spiffe.partner.example', documentOf('partner.example', 1, others, 60));
  await bench.pass(2 * minuteMs);
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '5', reason: 'BundleRefused' });
  servers.serve('spiffe.partner.example', documentOf('partner.example', 1, [roots[0]], 60));
  servers.requests.length = 0;
  const fresh = await rootOf('partner.example');
  bench.domain(domain(fresh));
  await bench.world.drain();
  expect(trusted()).toEqual([pemOf([fresh])]);
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '1' });
});

const partnerAt = (host: string): TrustDomainSpec => ({ federatesWith: [{ trustDomain: 'partner.example', bundleEndpoint: { url: `https://${host}/bundle`, profile: 'https_web' } }] });

test('an answer to what was asked before the endpoint was edited is dropped: its sequence would shut the new one out', async () => {
  const servers = new Servers();
  const answer = servers.serveLater('old.partner.example', documentOf('partner.example', 9, [roots[0]], 600));
  servers.serve('new.partner.example', documentOf('partner.example', 1, [roots[1]], 600));
  const bench = await start(servers, partnerAt('old.partner.example'));
  bench.put('cart', { federatesWith: ['partner.example'] });
  await bench.world.drain();
  expect(servers.asked('old.partner.example')).toBe(1);
  bench.domain(partnerAt('new.partner.example'));
  answer();
  await bench.pass(minuteMs);
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '1', roots: 1 });
  expect(file(bench, 'cart-mtls', 'partner.example')).toBe(pemOf([roots[1]]));
  expect(servers.asked('old.partner.example')).toBe(1);
});

test('an answer of a peer that is named no more by then leaves nothing behind', async () => {
  const servers = new Servers();
  const answer = servers.serveLater('old.partner.example', documentOf('partner.example', 9, [roots[0]], 600));
  const bench = await start(servers, partnerAt('old.partner.example'));
  await bench.world.drain();
  bench.domain({ federatesWith: [] });
  answer();
  await bench.pass(minuteMs);
  expect([kept(bench), status(bench)?.federation]).toEqual([[], undefined]);
});

test('what is kept under a peer that was edited while somebody else wrote it does not bring the old endpoint back', async () => {
  const servers = new Servers();
  servers.serve('old.partner.example', documentOf('partner.example', 1, [roots[0]], 10));
  servers.serve('new.partner.example', documentOf('partner.example', 2, [roots[1]], 10));
  const bench = await start(servers, partnerAt('old.partner.example'));
  await bench.pass(minuteMs);
  servers.serve('old.partner.example', documentOf('partner.example', 3, [roots[0]], 10));
  for (const name of kept(bench)) bench.world.asUser('touches it', () => void bench.world.store.edit({ kind: 'Secret', namespace: 'mtlsd-system', name }, (current) => ({ ...current, metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, touched: 'yes' } } })));
  bench.domain(partnerAt('new.partner.example'));
  await bench.pass(minuteMs);
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '2' });
  const asked = servers.asked('old.partner.example');
  await bench.pass(5 * minuteMs);
  expect(servers.asked('old.partner.example')).toBe(asked);
});

test('a redirect is followed a few times, as strictly as the first address, and never remembered', async () => {
  const servers = new Servers();
  const bench = await start(servers, { federatesWith: [] });
  let hops = 2;
  servers.redirect('spiffe.partner.example', () => (hops-- > 0 ? 'https://spiffe.partner.example/again' : 'https://cdn.partner.example/bundle'));
  servers.serve('cdn.partner.example', documentOf('partner.example', 1, [roots[0]], 60));
  bench.domain(spec('partner.example'));
  await bench.pass(1_000, 1_000);
  expect(servers.requests.map(({ url, privateAddresses }) => [url, privateAddresses])).toEqual([
    ['https://spiffe.partner.example/bundle', true],
    ['https://spiffe.partner.example/again', true],
    ['https://spiffe.partner.example/again', true],
    ['https://cdn.partner.example/bundle', false],
  ]);
  hops = 1_000;
  servers.requests.length = 0;
  await bench.pass(minuteMs);
  expect(servers.requests[0]?.url).toBe('https://spiffe.partner.example/bundle');
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '1', reason: 'AnswerRefused', message: expect.stringMatching(/more than 3 times/u) as string });
});

test('what is kept is written again when somebody deletes or damages it', async () => {
  const servers = new Servers();
  servers.serve('spiffe.partner.example', documentOf('partner.example', 1, [roots[0]], 60));
  const bench = await start(servers, spec('partner.example'));
  bench.put('cart', { federatesWith: ['partner.example'] });
  await bench.pass(minuteMs);
  const [name = ''] = kept(bench);
  bench.world.asUser('damage', () => bench.world.store.edit<'Secret'>({ kind: 'Secret', namespace: 'mtlsd-system', name }, (secret) => ({ ...secret, data: { 'bundle.json': 'e30=' } })));
  servers.serve('spiffe.partner.example', documentOf('partner.example', 2, roots, 60));
  await bench.pass(5 * minuteMs);
  expect(peer(bench, 'partner.example')).toMatchObject({ sequence: '2' });
  bench.world.asUser('delete', () => bench.world.store.remove({ kind: 'Secret', namespace: 'mtlsd-system', name }));
  servers.serve('spiffe.partner.example', documentOf('partner.example', 3, [roots[1]], 60));
  await bench.pass(5 * minuteMs);
  expect(kept(bench)).toHaveLength(1);
  expect(file(bench, 'cart-mtls', 'partner.example')).toBe(pemOf([roots[1]]));
});

test('namespaces that get the bundle get the roots of each peer, each as a file of its own in the same ConfigMap', async () => {
  const servers = new Servers();
  servers.serve('spiffe.partner.example', documentOf('partner.example', 1, [roots[0]], 60));
  const bench = await startBench(undefined, { fetchBundle: servers.fetch, cluster: { secretNamespaces: undefined, configMapBundles: true, clusterTrustBundles: false } });
  bench.world.asUser('namespace', () => bench.world.store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }));
  const domain = (...names: readonly string[]): TrustDomainSpec => ({ ...spec(...names), bundle: { namespaceSelector: {} } });
  bench.domain(domain('partner.example', 'dead.example'));
  await bench.pass(minuteMs);
  const data = () => bench.world.store.peek({ kind: 'ConfigMap', namespace: 'shop', name: 'mtlsd-bundle-a.example' })?.data;
  expect(Object.keys(data() ?? {}).sort()).toEqual(['ca.crt', 'federated.partner.example.crt']);
  expect(data()?.['federated.partner.example.crt']).toBe(pemOf([roots[0]]));
  servers.serve('spiffe.partner.example', documentOf('partner.example', 2, [roots[1]], 60));
  await bench.pass(2 * minuteMs);
  expect(data()?.['federated.partner.example.crt']).toBe(pemOf([roots[1]]));
  bench.domain(domain('dead.example'));
  await bench.pass(minuteMs);
  expect(Object.keys(data() ?? {})).toEqual(['ca.crt']);
});
