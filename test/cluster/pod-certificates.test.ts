/** mtlsd as the signer of pod certificates on a real API server, which checks every answer itself; requests are made as their node. */
import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { goPanel } from '../conformance/judges/go.ts';
import type { Panel } from '../conformance/judges/judge.ts';
import { openSslPanel } from '../conformance/judges/openssl.ts';
import { apiClient, type ApiClient } from './chart-api.ts';
import { ControllerProcess } from './controller-process.ts';
import { identity, isReady, paths, says, serviceAccount, Site, trustDomain } from './controller-site.ts';
import { PodNode, type RequestSpec, type Stored } from './pod-node.ts';
import { podKey, podKeyTypes, stubRequest, type PodKeyType } from './pod-requests.ts';

const patience = { timeout: 20_000, interval: 50 };
const hourMs = 3_600_000;

/** A request for a pod that was just made, with the key behind it. */
interface Asked {
  readonly request: Stored;
  readonly pod: Stored;
  readonly key: KeyObject;
}

async function askFor(node: PodNode, name: string, options: { account?: string; keyType?: PodKeyType; namespace?: string; more?: RequestSpec } = {}): Promise<Asked> {
  const { account = 'web', keyType = 'ECDSAP256', namespace = 'shop', more = {} } = options;
  const pod = await node.pod(namespace, name, account);
  const key = podKey(keyType);
  const request = await node.ask(await node.requestFor(pod, { stubPKCS10Request: stubRequest(key, keyType) }, more));
  return { request, pod, key };
}

function conditionOf({ status }: Stored): { readonly type: string; readonly reason: string; readonly message: string } {
  const [condition, ...others] = status?.conditions ?? [];
  if (condition === undefined || others.length > 0) throw new Error(`not one condition: ${JSON.stringify(status)}`);
  return condition;
}

function leafOf({ status }: Stored): X509Certificate {
  return new X509Certificate(status?.certificateChain ?? '');
}

const at = (text: string | undefined): number => Date.parse(text ?? '');

describe('pod certificates', () => {
  let site: Site;
  let api: ApiClient;
  let node: PodNode;
  let controller: ControllerProcess;
  const panels: Panel[] = [];

  beforeAll(async () => {
    panels.push(await goPanel(process.env), openSslPanel());
    site = await Site.open();
    api = await apiClient(site.cluster);
    await site.addNamespace('shop', ['web', 'cart', 'two', 'long', 'short', 'none']);
    node = await PodNode.register(api, 'node-a');
    controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    await site.apply(trustDomain('shop.example', { default: true }), trustDomain('other.example'));
    await site.apply(identity('shop', 'web', { dnsNames: ['web.shop.svc'] }), identity('shop', 'long', { ttl: '6h' }), identity('shop', 'short', { ttl: '30m' }));
    for (const name of ['shop.example', 'other.example']) await site.see(paths.clusterTrustBundle(name));
    await site.see(paths.identity('shop', 'web'), isReady);
  });
  afterAll(async () => {
    await Promise.all(panels.map((panel) => panel[Symbol.asyncDispose]()));
    await controller.stop();
    await site[Symbol.asyncDispose]();
  });

  /** Says of nothing but the chain what every judge says of it. */
  async function verdicts(issued: Stored, trustDomainName: string): Promise<Readonly<Record<string, unknown>>> {
    const folder = await mkdtemp(join(tmpdir(), 'mtlsd-pod-'));
    const [chain, roots] = [join(folder, 'chain.pem'), join(folder, 'roots.pem')];
    try {
      await writeFile(chain, issued.status?.certificateChain ?? '');
      await writeFile(roots, String((await site.see(paths.clusterTrustBundle(trustDomainName))).spec?.['trustBundle']));
      const all = await Promise.all(panels.map((panel) => panel.judge({ chain, roots, trustDomain: trustDomainName })));
      return Object.assign({}, ...all) as Readonly<Record<string, unknown>>;
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  const accepted = (spiffeId: string) => ({ 'Go crypto/x509': expect.objectContaining({ ok: true }) as unknown, 'go-spiffe': { ok: true, spiffeId }, OpenSSL: { ok: true } });

  test.each(podKeyTypes)('a key of type %s is certified as the pod’s identity, and Go, go-spiffe and OpenSSL accept the chain', async (keyType) => {
    const { request, key } = await askFor(node, `web-${keyType.toLowerCase()}`, { keyType });
    const issued = await node.answered(request);
    expect(conditionOf(issued)).toMatchObject({ type: 'Issued', reason: 'Issued' });
    const leaf = leafOf(issued);
    expect(leaf.subjectAltName).toBe('URI:spiffe://shop.example/ns/shop/sa/web, DNS:web.shop.svc');
    expect(leaf.publicKey.equals(createPublicKey(key))).toBe(true);
    expect(await verdicts(issued, 'shop.example')).toMatchObject(accepted('spiffe://shop.example/ns/shop/sa/web'));
  });

  test('one write each; it lives as long as the identity says, dating back included, and is refreshed about half-way', async () => {
    let asked: Asked | undefined;
    const writes = await site.writesDuring(async () => {
      asked = await askFor(node, 'life');
      await node.answered(asked.request);
    });
    expect(writes).toEqual(['update podcertificaterequests/status shop/life']);
    const { status } = await node.read((asked as Asked).request);
    const [begin, end, refresh] = [at(status?.notBefore), at(status?.notAfter), at(status?.beginRefreshAt)];
    expect(end - begin).toBe(hourMs);
    expect(Math.abs(refresh - (begin + end) / 2)).toBeLessThan(0.15 * hourMs);
    expect(controller.audit.filter(({ object }) => object === 'PodCertificateRequest shop/life')).toMatchObject([
      { decision: 'issued', spiffeId: 'spiffe://shop.example/ns/shop/sa/web', reason: 'WorkloadIdentity shop/web', notAfter: status?.notAfter?.replace('Z', '.000Z') },
    ]);
    expect(await controller.metric('mtlsd_pod_certificate_duration_seconds_count{outcome="issued"}')).toBeGreaterThan(0);
  });

  test('never longer than the pod asked for', async () => {
    const { request } = await askFor(node, 'bounded', { account: 'long', more: { maxExpirationSeconds: 7200 } });
    const { status } = await node.answered(request);
    expect(at(status?.notAfter) - at(status?.notBefore)).toBe(2 * hourMs);
    const whole = await askFor(node, 'unbounded', { account: 'long' });
    const free = await node.answered(whole.request);
    expect(at(free.status?.notAfter) - at(free.status?.notBefore)).toBe(6 * hourMs);
  });

  describe('denied, for good', () => {
    test('a user annotation that nobody knows', async () => {
      const { request, pod } = await askFor(node, 'annotated', { more: { unverifiedUserAnnotations: { 'example.com/colour': 'red' } } });
      const denied = await node.answered(request);
      expect(conditionOf(denied)).toMatchObject({ type: 'Denied', reason: 'InvalidUnverifiedUserAnnotations', message: expect.stringContaining('example.com/colour') as string });
      expect(denied.status?.certificateChain).toBeUndefined();
      await vi.waitFor(async () => expect(await site.events('shop', pod.metadata.uid)).toMatchObject([{ type: 'Warning', reason: 'PodCertificateDenied' }]), patience);
      expect(controller.audit.filter(({ object }) => object === 'PodCertificateRequest shop/annotated')).toMatchObject([{ decision: 'refused', reason: 'InvalidUnverifiedUserAnnotations' }]);
    });

    // The API server lets administrators say what nodes may not: that is what the chart's policy closes.
    test.each([
      ['another pod of that name', { podUID: '00000000-0000-4000-8000-000000000000' }, /pod forged-0 has the UID/],
      ['another service account than the pod’s', { serviceAccountName: 'cart' }, /runs as service account web, and the request names cart/],
      ['a service account of that name that is gone', { serviceAccountUID: '00000000-0000-4000-8000-000000000000' }, /service account web has the UID/],
      ['another node than the pod’s', { nodeName: 'node-b' }, /runs on node node-a, and the request comes from node-b/],
    ] as const)('%s', async (what, forged, message) => {
      const index = ['another pod of that name', 'another service account than the pod’s', 'a service account of that name that is gone'].indexOf(what);
      const pod = await node.pod('shop', `forged-${index}`, 'web');
      const request = await node.ask(await node.requestFor(pod, { stubPKCS10Request: stubRequest(podKey('ECDSAP256'), 'ECDSAP256') }, forged), { user: 'root', groups: ['system:masters'] });
      const denied = await node.answered(request);
      expect(conditionOf(denied)).toMatchObject({ type: 'Denied', reason: 'IdentityMismatch', message: expect.stringMatching(message) as string });
    });
  });

  describe('waits, and says why', () => {
    async function told(pod: Stored, reason: string, message: RegExp): Promise<void> {
      await vi.waitFor(async () => expect(await site.events('shop', pod.metadata.uid)).toMatchObject([{ type: 'Warning', reason, note: expect.stringMatching(message) as string }]), patience);
      expect(await controller.metric(`mtlsd_pod_certificates_pending{reason="${reason}"}`)).toBe(1);
    }

    test('for an identity, and is answered as soon as there is one', async () => {
      const { request, pod } = await askFor(node, 'early', { account: 'cart' });
      await told(pod, 'IdentityMissing', /no identity is for service account shop\/cart: create a WorkloadIdentity in namespace shop/);
      expect((await node.read(request)).status?.conditions).toBeUndefined();
      await site.apply(identity('shop', 'basket', { serviceAccountName: 'cart', secretName: 'basket' }));
      expect(leafOf(await node.answered(request)).subjectAltName).toBe('URI:spiffe://shop.example/ns/shop/sa/cart');
      expect(await controller.metric('mtlsd_pod_certificates_pending{reason="IdentityMissing"}')).toBe(0);
    });

    test('for its service account, and is answered when that is back as it was, never for another one', async () => {
      const pod = await node.pod('shop', 'orphan', 'none');
      await site.apply(identity('shop', 'none'));
      const request = await node.requestFor(pod, { stubPKCS10Request: stubRequest(podKey('ED25519'), 'ED25519') });
      await site.remove('/api/v1/namespaces/shop/serviceaccounts/none');
      const asked = await node.ask(request, { user: 'root', groups: ['system:masters'] });
      await told(pod, 'ServiceAccountMissing', /ServiceAccount shop\/none does not exist/);
      await site.apply(serviceAccount('shop', 'none'));
      expect(conditionOf(await node.answered(asked))).toMatchObject({ type: 'Denied', reason: 'IdentityMismatch' });
    });

    test('for a longer TTL, where the identity’s is shorter than any pod certificate', async () => {
      const { request, pod } = await askFor(node, 'brief', { account: 'short' });
      await told(pod, 'PolicyRefuses', /WorkloadIdentity shop\/short: spec\.ttl: 1800s is shorter than 3600s, the shortest that the API server takes of a pod certificate/);
      await site.apply(identity('shop', 'short', { ttl: '1h' }));
      expect(conditionOf(await node.answered(request))).toMatchObject({ type: 'Issued' });
    });

    test('for a trust domain of the pod’s choice', async () => {
      const { request, pod } = await askFor(node, 'elsewhere', { more: { unverifiedUserAnnotations: { 'mtlsd.io/trust-domain': 'third.example' } } });
      await told(pod, 'TrustDomainMismatch', /no identity of service account shop\/web is of trust domain third\.example/);
      await site.apply(trustDomain('third.example'), identity('shop', 'web-third', { serviceAccountName: 'web', trustDomain: 'third.example' }));
      expect(leafOf(await node.answered(request)).subjectAltName).toBe('URI:spiffe://third.example/ns/shop/sa/web');
    });
  });

  test('of two trust domains a pod gets the one that it asks for, the older identity’s otherwise; neither vouches for the other’s pods', async () => {
    await site.apply(identity('shop', 'two-first', { serviceAccountName: 'two', trustDomain: 'other.example' }));
    await site.see(paths.identity('shop', 'two-first'), isReady);
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // creation times are whole seconds
    await site.apply(identity('shop', 'two-second', { serviceAccountName: 'two', trustDomain: 'shop.example' }));
    await site.see(paths.identity('shop', 'two-second'), isReady);
    const choose = (domain: string): { account: string; more: RequestSpec } => ({ account: 'two', more: { unverifiedUserAnnotations: { 'mtlsd.io/trust-domain': domain } } });
    const [other, shop, neither] = await Promise.all([askFor(node, 'two-a', choose('other.example')), askFor(node, 'two-b', choose('shop.example')), askFor(node, 'two-c', { account: 'two' })]);
    const [ofOther, ofShop, first] = await Promise.all([other, shop, neither].map(({ request }) => node.answered(request)));
    expect(await verdicts(ofOther as Stored, 'other.example')).toMatchObject(accepted('spiffe://other.example/ns/shop/sa/two'));
    expect(await verdicts(ofShop as Stored, 'shop.example')).toMatchObject(accepted('spiffe://shop.example/ns/shop/sa/two'));
    expect(await verdicts(ofOther as Stored, 'shop.example')).toMatchObject({ 'go-spiffe': { ok: false }, OpenSSL: { ok: false } });
    expect(leafOf(first as Stored).subjectAltName).toBe('URI:spiffe://other.example/ns/shop/sa/two');
    const named = await askFor(node, 'two-d', { account: 'two', more: { unverifiedUserAnnotations: { 'mtlsd.io/identity': 'two-second' } } });
    expect(leafOf(await node.answered(named.request)).subjectAltName).toBe('URI:spiffe://shop.example/ns/shop/sa/two');
  });

  test('what was asked while the controller was dead is answered when it is back, and the reservation outlives it', async () => {
    const reservedUntil = async (): Promise<readonly number[]> => {
      const record = await site.see(paths.record('shop.example'));
      const { authorities } = JSON.parse(Buffer.from(record.data?.['record.json'] ?? '', 'base64').toString('utf8')) as { authorities: readonly { reserved?: Readonly<Record<string, string>> }[] };
      return authorities.flatMap(({ reserved = {} }) => Object.values(reserved).map(at));
    };
    const [before = 0] = await reservedUntil();
    await controller.kill();
    const asked = await Promise.all(Array.from({ length: 8 }, (_, index) => askFor(node, `herd-${index}`)));
    controller = ControllerProcess.start(site.kubeconfig);
    for (const { request } of asked) {
      const issued = await node.answered(request);
      expect(conditionOf(issued)).toMatchObject({ type: 'Issued' });
      expect(at(issued.status?.notAfter)).toBeLessThanOrEqual((await reservedUntil())[0] ?? 0);
    }
    expect((await reservedUntil())[0]).toBeGreaterThanOrEqual(before);
    expect(await reservedUntil()).toHaveLength(1);
  });

  test('a pod that runs on with a certificate that has ended is named, by the requests that a controller finds at its start', async () => {
    const path = '/api/v1/namespaces/shop/pods/herd-0';
    await site.edit(`${path}/status`, (pod) => ({ ...pod, status: { ...pod.status, phase: 'Running' } }));
    await controller.stop();
    controller = ControllerProcess.start(site.kubeconfig, [], 2 * hourMs);
    const { status } = await site.see(paths.identity('shop', 'web'), says('Warnings', 'ExpiredInPod'), 120_000);
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Warnings', status: 'True', message: expect.stringMatching(/^Pod herd-0 run with a pod certificate that has expired/u) as string }));
  });
});
