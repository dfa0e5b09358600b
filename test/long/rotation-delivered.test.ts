/**
 * Rotations on a real API server before judges that nobody here wrote: every leaf (in Secrets, by request, as pod certificates) against
 * every bundle in whatever form it is delivered (Secrets, keystores, ConfigMaps, ClusterTrustBundles, the API). `npm run test:long`.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { keyAlgorithms } from '../../src/x509/index.ts';
import { apiClient } from '../cluster/chart-api.ts';
import { ControllerProcess } from '../cluster/controller-process.ts';
import { fileOf, identity, isReady, namespace, paths, serviceAccount, Site, trustDomain, type Live } from '../cluster/controller-site.ts';
import { PodNode } from '../cluster/pod-node.ts';
import { podKey, stubRequest } from '../cluster/pod-requests.ts';
import { freePorts } from '../cluster/ports.ts';
import { panelEntries } from '../conformance/judges/panels.ts';
import { ClusterRotations } from '../rotation-live/cluster-rotations.ts';
import { Delivered, rootsOfDer, rootsOfSpiffeBundle, rootsOfTrustStore } from '../rotation-live/delivered.ts';
import { complaints, type Leaf } from '../rotation-live/judged.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';

/** In `kept`, leaves are in Secrets alone: rotations go to their end. In `asked`, some went out without a record of each, and are waited for. */
const sides = ['kept', 'asked'] as const;
type Side = (typeof sides)[number];
const domainOf = (side: Side): string => `${side}.example`;
const names = keyAlgorithms.map((algorithm) => ({ algorithm, name: `${algorithm.toLowerCase()}-0` }));
const password = 'open sesame';
/** Another process waits for the lease of the one that was killed: not everywhere. */
const killedAt: readonly string[] = ['Reissue/Reissued', 'Retire/Withdrawn'];
const patience = { timeout: 180_000, interval: 200 };

let site: Site;
let controller: ControllerProcess;
let node: PodNode;
let port = 0;
let folder: string;
let token: string | undefined;
const delivered = new Map<Side, Delivered>();
/** Certificates that left without a Secret. */
const asked: Leaf[] = [];
/** What came with the last one by request. */
let answered: Readonly<Record<string, string>> = {};

function startController(): void {
  controller = ControllerProcess.start(site.kubeconfig, ['--api-listen', `127.0.0.1:${port}`, '--api-identity', 'asked/api']);
}

async function fromApi<T>(path: string, body?: object): Promise<T> {
  token ??= (await site.kubectl(['create', 'token', 'api', '--namespace', 'asked', '--audience', 'mtlsd'])).trim();
  return vi.waitFor(async () => {
    const said = await site.askApi(port, 'asked/api', token ?? '', path, body);
    expect(said).toMatchObject({ status: 200 });
    return said.body as T;
  }, patience);
}

/** A certificate by request, and one for a pod, which is gone by then. @param title ends their names */
async function ask(title: string): Promise<void> {
  const key = podKey('ECDSAP256');
  const [csr, pem] = [stubRequest(key, 'ECDSAP256'), key.export({ type: 'pkcs8', format: 'pem' })];
  const { certificates, bundle } = await fromApi<{ certificates: string; bundle: { roots: string; spiffe: string } }>('/v1/svids/x509', { csr });
  const pod = await node.pod('asked', `pod-${asked.length}`, 'ecdsap256-0');
  const { status } = await node.answered(await node.ask(await node.requestFor(pod, { stubPKCS10Request: csr })));
  await site.remove(`/api/v1/namespaces/asked/pods/${pod.metadata.name}?gracePeriodSeconds=0`);
  asked.push({ algorithm: 'ECDSAP256', name: `by-request-${title}-0`, chain: certificates, key: pem }, { algorithm: 'ECDSAP256', name: `of-pod-${title}-0`, chain: status?.certificateChain ?? '', key: pem });
  answered = { 'the answer of the API, PEM': bundle.roots, 'the answer of the API, SPIFFE': rootsOfSpiffeBundle(bundle.spiffe) };
}
async function bundlesIn(secret: Live): Promise<Readonly<Record<string, string>>> {
  const bytes = (name: string): Buffer => Buffer.from(secret.data?.[name] ?? '', 'base64');
  return {
    'ca.crt': fileOf(secret, 'ca.crt'),
    'bundle.json': rootsOfSpiffeBundle(fileOf(secret, 'bundle.json')),
    'ca.der': rootsOfDer(bytes('ca.der')),
    'truststore.p12': await rootsInStore(secret.data?.['truststore.p12'] ?? ''),
  };
}

/** keytool takes seconds on a busy machine: each store is opened once. @param store base64 */
async function rootsInStore(store: string): Promise<string> {
  const known = stores.get(store);
  if (known !== undefined) return known;
  const file = join(folder, 'truststore.p12');
  writeFileSync(file, Buffer.from(store, 'base64'));
  const roots = await rootsOfTrustStore(file, password);
  stores.set(store, roots);
  return roots;
}
const stores = new Map<string, string>();

async function look(side: Side, title: string): Promise<void> {
  const secrets = await Promise.all(names.map(async ({ name }) => site.see(paths.secret(side, `${name}-mtls`))));
  const leaves = secrets.map((secret, index): Leaf => ({ ...(names[index] ?? { algorithm: 'ECDSAP256', name: '' }), chain: fileOf(secret, 'tls.crt'), key: fileOf(secret, 'tls.key') }));
  const inSecrets: Record<string, string> = {};
  // Of one Secret every form is opened.
  for (const secret of secrets) inSecrets[`ca.crt of ${secret.metadata.name}`] = fileOf(secret, 'ca.crt');
  for (const secret of secrets) inSecrets[`bundle.json of ${secret.metadata.name}`] = rootsOfSpiffeBundle(fileOf(secret, 'bundle.json'));
  const [first] = secrets;
  delivered.get(side)?.meet(title, {
    leaves: side === 'asked' ? [...leaves, ...asked] : leaves,
    bundles: {
      ...inSecrets,
      ...(first === undefined ? {} : await bundlesIn(first)),
      ...(side === 'asked' ? answered : {}),
      ConfigMap: (await site.see(paths.configMap(side, domainOf(side)))).data?.['ca.crt'] ?? '',
      ClusterTrustBundle: String((await site.see(paths.clusterTrustBundle(domainOf(side)))).spec?.['trustBundle']),
      'the bundle endpoint': rootsOfSpiffeBundle(JSON.stringify(await fromApi(`/v1/trust-domains/${domainOf(side)}/bundle`))),
    },
  });
}

async function rotate(side: Side, name: string, { abortAt, last }: { readonly abortAt?: string; readonly last?: string } = {}): Promise<string> {
  const rotation = await RequestedRotation.of(new ClusterRotations(site), name, domainOf(side));
  return rotation.follow(async (place) => {
    if (side === 'asked') await ask(place.toLowerCase().replace('/', '-'));
    await look(side, `${name} at ${place}`);
    if (killedAt.includes(place)) {
      await controller.kill();
      startController();
    }
    if (place === abortAt) await rotation.abort();
  }, last);
}

describe('rotations on a real API server before judges that nobody here wrote', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mtlsd-delivered-'));
    [[port = 0], site] = await Promise.all([freePorts(1), Site.open()]);
    await site.kubectl(['wait', '--for=condition=Established', 'crd/carotations.mtlsd.io']);
    node = await PodNode.register(await apiClient(site.cluster), 'node-a');
    const formats = { der: true, pkcs12: { passwordSecretRef: { name: 'store' } } };
    const accounts = ['api', ...names.map(({ name }) => name)];
    for (const side of sides) {
      delivered.set(side, new Delivered(join(folder, side)));
      await site.apply(namespace(side), ...accounts.map((name) => serviceAccount(side, name)), { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: side, name: 'store' }, stringData: { password } });
      await site.apply(
        trustDomain(domainOf(side), { rotation: { propagationBound: '1s', consumerReload: '1s' }, bundle: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': side } } } }),
        ...names.map(({ algorithm, name }) => identity(side, name, { trustDomain: domainOf(side), keyAlgorithm: algorithm, formats })),
      );
    }
    await site.apply(identity('asked', 'api', { trustDomain: domainOf('asked'), dnsNames: ['api.asked.svc'] }));
    startController();
    for (const side of sides) for (const { name } of names) await site.see(paths.identity(side, name), isReady, patience.timeout);
    await ask('before');
    for (const side of sides) await look(side, 'before');
    expect(await rotate('asked', 'waits', { last: 'Drain/Drained' })).toBe('Drain');
    expect([await rotate('kept', 'given-up', { abortAt: 'Reissue/Reissued' }), await rotate('kept', 'whole')]).toEqual(['Aborted', 'Complete']);
    await ask('after');
    for (const side of sides) await look(side, 'after');
    for (const [side, { leaves, bundles, meetings, places }] of delivered) console.log(`${side}: ${leaves.size} leaves, ${bundles.size} bundles from ${places.size} places, ${meetings.length} ways in which they met`);
    // Judges need none of it.
    await controller.stop();
    await site[Symbol.asyncDispose]();
  }, 1_200_000);
  afterAll(async () => {
    await controller?.[Symbol.asyncDispose]();
    await site?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('in every place where a bundle is delivered there was one with the old root, one with both, and where it came to the end one with the new root', () => {
    for (const [place, found] of delivered.get('kept')?.places ?? []) expect({ place, found: found.size >= 3 }).toEqual({ place, found: true });
    for (const [place, found] of delivered.get('asked')?.places ?? []) expect({ place, found: found.size >= 2 }).toEqual({ place, found: true });
  });

  test.for(panelEntries)('$title accepts every leaf that was in use against every bundle that was', { timeout: 900_000 }, async ({ title, open }) => {
    await using panel = await open(process.env);
    for (const [side, { meetings }] of delivered) {
      for (const meeting of meetings) {
        // keytool installs one root at a time: it is asked where there is one.
        const bundles = title === 'keytool' && meeting.bundles.length > 1 ? [] : meeting.bundles;
        expect([side, meeting.title, await complaints(panel, domainOf(side), { ...meeting, bundles })]).toEqual([side, meeting.title, []]);
      }
    }
  });
});
