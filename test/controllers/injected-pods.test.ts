/** The pods that are kept: all that carry the label, whichever value it has, and of each no more than is looked at. */
import { expect, test } from 'vitest';
import { InjectedPods } from '../../src/controllers/injected-pod/injected-pods.ts';
import type { Pod, WorkloadIdentity } from '../../src/resources/index.ts';
import type { WatchHandler } from '../../src/store/port.ts';

/** What a watch of pods tells is up to the test. */
function watched(): { readonly pods: InjectedPods; readonly watch: WatchHandler<Pod>; readonly told: string[] } {
  const pods = new InjectedPods();
  const told: string[] = [];
  pods.onChange(({ metadata }) => told.push(metadata.name));
  return { pods, watch: pods.handler(), told };
}

function pod(name: string, { secret = 'cart-mtls', uid = name, version = '1', phase = 'Pending', inject = 'secret' } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name, uid, resourceVersion: version, creationTimestamp: '2026-01-01T00:00:00Z', labels: { app: 'x', 'mtlsd.io/inject': inject }, annotations: { other: 'y', 'mtlsd.io/identity': 'cart' } },
    spec: { serviceAccountName: 'sa', containers: [{ name: 'main', env: [{ name: 'A' }] }], volumes: [{ name: 'own' }, { name: 'mtlsd', secret: { secretName: secret } }] },
    status: { phase, podIP: '10.0.0.1' },
  } as Pod;
}

const identity = (name: string, spec: object = {}): WorkloadIdentity => ({ metadata: { namespace: 'shop', name }, spec }) as WorkloadIdentity;
const namesOf = (pods: readonly Pod[]): readonly string[] => pods.map(({ metadata }) => metadata.name).toSorted();

test('pods with any value of the label that asks for something are kept, others are not', async () => {
  const { pods, watch, told } = watched();
  watch.snapshot([pod('a'), pod('b', { inject: 'true' }), pod('c', { inject: 'pod-certificate' }), pod('d', { inject: 'false' })]);
  await pods.whenSynced();
  expect(namesOf(pods.all())).toEqual(['a', 'b', 'c']);
  watch.snapshot([pod('b', { inject: 'true' }), pod('e')]);
  expect(namesOf(pods.all())).toEqual(['b', 'e']);
  watch.upsert(pod('e', { version: '2', inject: 'false' }));
  expect(namesOf(pods.all())).toEqual(['b']);
  expect(told).toEqual(['a', 'b', 'c', 'a', 'c', 'e', 'e']);
});

test('only what is looked at is kept, and only changes of it are told', () => {
  const { pods, watch, told } = watched();
  watch.upsert(pod('a'));
  expect(pods.get('shop', 'a')).toMatchObject({ spec: { containers: [], volumes: [{ name: 'mtlsd' }] }, metadata: { labels: { 'mtlsd.io/inject': 'secret' }, annotations: { 'mtlsd.io/identity': 'cart' } }, status: { phase: 'Pending' } });
  expect(JSON.stringify(pods.get('shop', 'a'))).not.toMatch(/10\.0\.0\.1|"app"|"other"|"own"/u);
  watch.upsert(pod('a', { version: '2' }));
  expect(told).toEqual(['a']);
  watch.upsert(pod('a', { version: '3', phase: 'Running' }));
  expect(told).toEqual(['a', 'a']);
});

test('an identity concerns the pods that ask for it and those that mount its Secret', () => {
  const { pods, watch } = watched();
  watch.snapshot([pod('a'), pod('b', { secret: 'tls' })]);
  expect(namesOf(pods.concernedBy(identity('cart')))).toEqual(['a', 'b']);
  expect(namesOf(pods.concernedBy(identity('other', { secretName: 'tls' })))).toEqual(['b']);
  expect(pods.concernedBy(identity('other'))).toEqual([]);
  watch.upsert(pod('b', { version: '2' }));
  expect(namesOf(pods.concernedBy(identity('other', { secretName: 'tls' })))).toEqual([]);
});

test('a pod that is gone is forgotten; one of the same name is not', () => {
  const { pods, watch, told } = watched();
  watch.upsert(pod('a', { uid: 'new' }));
  watch.remove(pod('a', { uid: 'old' }));
  expect(namesOf(pods.all())).toEqual(['a']);
  watch.remove(pod('a', { uid: 'new' }));
  expect(pods.all()).toEqual([]);
  expect(pods.concernedBy(identity('cart'))).toEqual([]);
  expect(told).toEqual(['a', 'a']);
});
