/** Which workload is restarted next: the decision alone. */
import { describe, expect, test } from 'vitest';
import { nameOf, planRestarts, type Wanted } from '../../../src/controllers/reload/restart-plan.ts';
import { isRolledOut, markOf, whyStuck, withMark, type Workload } from '../../../src/controllers/reload/workload.ts';
import type { PodDisruptionBudget } from '../../../src/resources/index.ts';

const mark = 'shop.example/2';
const metadata = (name: string) => ({ namespace: 'shop', name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', generation: 3 });
const template = (name: string, annotations: Readonly<Record<string, string>> = {}) => ({ metadata: { labels: { app: name }, annotations } });
const whole = { observedGeneration: 3, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

const deployment = (name: string, changes: { readonly restartedFor?: string; readonly status?: object; readonly paused?: boolean } = {}): Workload => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: metadata(name),
  spec: { replicas: 2, ...(changes.paused === undefined ? {} : { paused: changes.paused }), template: template(name, changes.restartedFor === undefined ? {} : { 'mtlsd.io/restarted-for': changes.restartedFor }) },
  status: { ...whole, ...changes.status },
});
const statefulSet = (status: object, type?: string): Workload => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: metadata('db'),
  spec: { replicas: 2, ...(type === undefined ? {} : { updateStrategy: { type } }), template: template('db') },
  status: { ...whole, currentRevision: 'a', updateRevision: 'a', ...status },
});
const daemonSet = (status: object): Workload => ({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: metadata('log'), spec: { template: template('log') }, status: { observedGeneration: 3, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3, ...status } });
const budget = (app: string | undefined, disruptionsAllowed: number): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadata('guard'),
  spec: app === undefined ? {} : { selector: app === '' ? {} : { matchLabels: { app } } },
  status: { observedGeneration: 3, disruptionsAllowed },
});

/** What a plan says, in words. */
function plan(workloads: readonly Workload[], budgets: readonly PodDisruptionBudget[] = []): { readonly restart: string | undefined; readonly done: readonly string[]; readonly waiting: Readonly<Record<string, string>> } {
  const { restart, done, waiting } = planRestarts(workloads.map((workload): Wanted => ({ workload, mark })), budgets);
  return { restart: restart && nameOf(restart), done: done.map(nameOf), waiting: Object.fromEntries([...waiting].map(([wanted, why]) => [nameOf(wanted), why])) };
}

describe('a namespace', () => {
  test('has one workload restarted, the first by name', () => {
    expect(plan([deployment('b'), deployment('a')])).toEqual({ restart: 'Deployment a', done: [], waiting: { 'Deployment b': 'Deployment a is restarted first' } });
  });

  test('waits until the pods of that one are replaced', () => {
    const rolling = deployment('b', { restartedFor: mark, status: { updatedReplicas: 1 } });
    expect(plan([deployment('a'), rolling])).toEqual({ restart: undefined, done: [], waiting: { 'Deployment a': 'the pods of Deployment b are being replaced first', 'Deployment b': 'its pods are being replaced' } });
    expect(plan([deployment('a'), deployment('b', { restartedFor: mark })])).toEqual({ restart: 'Deployment a', done: ['Deployment b'], waiting: {} });
  });

  test('has none restarted twice for the same bundle, and each again for the next', () => {
    expect(plan([deployment('a', { restartedFor: mark })])).toEqual({ restart: undefined, done: ['Deployment a'], waiting: {} });
    expect(plan([deployment('a', { restartedFor: 'shop.example/1' })]).restart).toBe('Deployment a');
  });

  test('leaves alone what must not be touched now, which holds nobody else up', () => {
    const workloads = [deployment('a'), deployment('b', { paused: true }), deployment('c', { status: { observedGeneration: 2 } }), deployment('d')];
    expect(plan(workloads, [budget('a', 0)])).toEqual({
      restart: 'Deployment d',
      done: [],
      waiting: { 'Deployment a': 'its PodDisruptionBudget guard allows no disruption', 'Deployment b': 'its roll-outs are paused', 'Deployment c': 'a roll-out of it is under way' },
    });
  });

  test.each([
    ['of other pods', budget('other', 0), true],
    ['of no pods, without a selector', budget(undefined, 0), true],
    ['of all pods, with an empty one', budget('', 0), false],
    ['that allows one', budget('a', 1), true],
    ['that nobody has counted yet', { ...budget('a', 0), status: { disruptionsAllowed: 0 } }, false],
    ['that was edited since it was counted', { ...budget('a', 1), status: { observedGeneration: 2, disruptionsAllowed: 1 } }, false],
  ])('heeds a budget %s', (_, guard, goesOn) => {
    expect(plan([deployment('a')], [guard]).restart).toBe(goesOn ? 'Deployment a' : undefined);
  });
});

describe('a workload', () => {
  test.each<[string, Workload, boolean]>([
    ['a Deployment', deployment('a'), true],
    ['one whose controller has not seen the change', deployment('a', { status: { observedGeneration: 2 } }), false],
    ['one with old pods beside the new ones', deployment('a', { status: { replicas: 3 } }), false],
    ['one with new pods that are not available', deployment('a', { status: { availableReplicas: 1 } }), false],
    ['a StatefulSet', statefulSet({}), true],
    ['one between two revisions', statefulSet({ updateRevision: 'b' }), false],
    ['a DaemonSet', daemonSet({}), true],
    ['one with old pods', daemonSet({ updatedNumberScheduled: 2 }), false],
    ['one with unavailable pods', daemonSet({ numberAvailable: 2 }), false],
  ])('is rolled out: %s', (_, workload, expected) => {
    expect(isRolledOut(workload)).toBe(expected);
  });

  test('is stuck when nobody would replace its pods', () => {
    expect([deployment('a'), deployment('a', { paused: true }), statefulSet({}), statefulSet({}, 'OnDelete'), statefulSet({}, 'RollingUpdate')].map((workload) => whyStuck(workload) !== undefined)).toEqual([false, true, false, true, false]);
  });

  test('is changed in two annotations of its template, and nowhere else', () => {
    const before = { ...deployment('a', { restartedFor: 'shop.example/1' }), unknown: { to: 'us' } };
    const after = withMark(before, mark, Date.parse('2026-01-05T00:00:00.500Z'));
    expect(markOf(after)).toBe(mark);
    const annotations = { 'kubectl.kubernetes.io/restartedAt': '2026-01-05T00:00:00Z', 'mtlsd.io/restarted-for': mark };
    expect(after).toEqual({ ...before, spec: { ...before.spec, template: { metadata: { labels: { app: 'a' }, annotations } } } });
  });
});
