/** kubelet's own refresh of pod certificates, about half an hour after they were issued: `npm run test:long`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { namespace, type Live } from '../cluster/controller-site.ts';
import { Mesh, waitUntil, type PeerPlan } from '../node/mesh.ts';
import { NodeSite, patienceMs } from '../node/node-site.ts';

const plans: readonly PeerPlan[] = [
  { namespace: 'north', name: 'go', image: 'go-peer', delivery: 'pod-certificate' },
  { namespace: 'north', name: 'node', image: 'node-peer', delivery: 'pod-certificate' },
];
/** kubelet begins up to 5 minutes after beginRefreshAt, and writes at a sync of the pod after it has the answer. */
const refreshPatienceMs = 10 * 60_000;

let node: NodeSite;
let mesh: Mesh;

beforeAll(async () => {
  node = await NodeSite.open();
  mesh = new Mesh(node);
  await node.site.apply(namespace('north'));
  await mesh.add(...plans);
}, 2 * patienceMs);
afterAll(async () => node[Symbol.asyncDispose]());

test('a pod certificate is refreshed when its beginRefreshAt says, and no handshake fails', async () => {
  // kubelet's requests are collected after a quarter of an hour.
  const requests = await node.site.list('/apis/certificates.k8s.io/v1/podcertificaterequests');
  const refreshMs = new Map(requests.map((request) => [String(request.spec?.['podName']), beginRefreshAtMs(request)]));
  expect([...refreshMs.keys()].sort()).toEqual(['go', 'node']);
  await Promise.all(
    plans.map(async (plan) => {
      await waitUntil((refreshMs.get(plan.name) ?? 0) - 1_000);
      const { serials, notAfter } = await mesh.statsOf(plan);
      expect(serials).toHaveLength(1);
      const renewed = await mesh.see(plan, (stats) => stats.serials.length === 2, refreshPatienceMs);
      expect(Date.parse(renewed.notAfter)).toBeGreaterThan(Date.parse(notAfter));
    }),
  );
  await mesh.allWell(2);
});

function beginRefreshAtMs(request: Live): number {
  return Date.parse(String(request.status?.['beginRefreshAt']));
}
