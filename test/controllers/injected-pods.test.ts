/** The pods that are kept: all that carry the label, whichever value it has, and of each no more than is looked at. */
import { expect, test } from 'vitest';
import { InjectedPods } from '../../src/controllers/injected-pod/injected-pods.ts';
import type { Pod, WorkloadIdentity } from '../../src/resources/index.ts';
import type { Store, WatchHandler } from '../../src/store/port.ts';

/** The watches that were started, by the value of the label; what they tell is up to the test. */
function watched(): { readonly pods: InjectedPods; readonly watches: ReadonlyMap<string, WatchHandler<Pod>>; readonly told: string[] } {
  const watches = new Map<string, WatchHandler<Pod>>();
  const watch = ((_kind: string, selector: { labels: Record<string, string> }, handler: WatchHandler<Pod>) => void watches.set(selector.labels['mtlsd.io/inject'] ?? '', handler)) as unknown as Store['watch'];
  const pods = new InjectedPods({ watch }, () => undefined, new AbortController().signal);
  const told: string[] = [];
  pods.onChange(({ metadata }) => told.push(metadata.name));
  return { pods, watches, told };
}

function pod(name: string, { secret = 'cart-mtls', uid = name, version = '1', phase = 'Pending' } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name, uid, resourceVersion: version, creationTimestamp: '2026-01-01T00:00:00Z', labels: { app: 'x', 'mtlsd.io/inject': 'secret' }, annotations: { other: 'y', 'mtlsd.io/identity': 'cart' } },
    spec: { serviceAccountName: 'sa', containers: [{ name: 'main', env: [{ name: 'A' }] }], volumes: [{ name: 'own' }, { name: 'mtlsd', secret: { secretName: secret } }] },
    status: { phase, podIP: '10.0.0.1' },
  } as Pod;
}

const identity = (name: string, spec: object = {}): WorkloadIdentity => ({ metadata: { namespace: 'shop', name }, spec }) as WorkloadIdentity;
const namesOf = (pods: readonly Pod[]): readonly string[] => pods.map(({ metadata }) => metadata.name).toSorted();

test('a snapshot of one value leaves the pods of the others', async () => {
  const { pods, watches } = watched();
  expect([...watches.keys()].toSorted()).toEqual(['pod-certificate', 'secret', 'true']);
  watches.get('secret')?.snapshot([pod('a')]);
  watches.get('true')?.snapshot([pod('b')]);
  watches.get('pod-certificate')?.snapshot([]);
  await pods.whenSynced();
  expect(namesOf(pods.all())).toEqual(['a', 'b']);
  watches.get('secret')?.snapshot([pod('c')]);
  expect(namesOf(pods.all())).toEqual(['b', 'c']);
});

test('only what is looked at is kept, and only changes of it are told', () => {
  const { pods, watches, told } = watched();
  watches.get('secret')?.upsert(pod('a'));
  expect(pods.get('shop', 'a')).toMatchObject({ spec: { containers: [], volumes: [{ name: 'mtlsd' }] }, metadata: { labels: { 'mtlsd.io/inject': 'secret' }, annotations: { 'mtlsd.io/identity': 'cart' } }, status: { phase: 'Pending' } });
  expect(JSON.stringify(pods.get('shop', 'a'))).not.toMatch(/10\.0\.0\.1|"app"|"other"|"own"/u);
  watches.get('secret')?.upsert(pod('a', { version: '2' }));
  expect(told).toEqual(['a']);
  watches.get('secret')?.upsert(pod('a', { version: '3', phase: 'Running' }));
  expect(told).toEqual(['a', 'a']);
});

test('an identity concerns the pods that ask for it and those that mount its Secret', () => {
  const { pods, watches } = watched();
  watches.get('secret')?.snapshot([pod('a'), pod('b', { secret: 'tls' })]);
  expect(namesOf(pods.concernedBy(identity('cart')))).toEqual(['a', 'b']);
  expect(namesOf(pods.concernedBy(identity('other', { secretName: 'tls' })))).toEqual(['b']);
  expect(pods.concernedBy(identity('other'))).toEqual([]);
  watches.get('secret')?.upsert(pod('b', { version: '2' }));
  expect(namesOf(pods.concernedBy(identity('other', { secretName: 'tls' })))).toEqual([]);
});

test('a pod that is gone is forgotten; one of the same name, or that another watch has by now, is not', () => {
  const { pods, watches, told } = watched();
  watches.get('secret')?.upsert(pod('a', { uid: 'new' }));
  watches.get('secret')?.remove(pod('a', { uid: 'old' }));
  expect(namesOf(pods.all())).toEqual(['a']);
  watches.get('true')?.upsert(pod('a', { uid: 'new' }));
  watches.get('secret')?.remove(pod('a', { uid: 'new' }));
  expect(namesOf(pods.all())).toEqual(['a']);
  watches.get('true')?.remove(pod('a', { uid: 'new' }));
  expect(pods.all()).toEqual([]);
  expect(pods.concernedBy(identity('cart'))).toEqual([]);
  expect(told).toEqual(['a', 'a']);
});
