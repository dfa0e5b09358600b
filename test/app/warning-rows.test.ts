import { expect, test } from 'vitest';
import { overviewOf } from '../../src/app/overview/overview.ts';
import { overviewText } from '../../src/cli/overview-text.ts';
import type { ClusterWorkloadIdentity, Condition, WorkloadIdentity } from '../../src/resources/index.ts';

const nowMs = Date.parse('2026-01-05T00:00:00Z');
const meta = (name: string) => ({ name, namespace: 'shop', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-05T00:00:00Z' });
const condition = (type: string, status: 'True' | 'False', reason: string): Condition => ({ type, status, reason, message: `${reason} it is`, lastTransitionTime: '2026-01-05T00:00:00Z' });
const identity = (name: string, ...conditions: readonly Condition[]): WorkloadIdentity => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: meta(name), spec: {}, status: { conditions: [...conditions] } });
const overview = (identities: readonly WorkloadIdentity[], clusterIdentities: readonly ClusterWorkloadIdentity[] = []) => overviewOf({ trustDomains: [], identities, rotations: [], clusterIdentities }, [], nowMs);
const ready = condition('Ready', 'True', 'Delivered');

test('what pods tell is a warning, an expired certificate in a pod a problem, and what they do well nothing', () => {
  const { problems, warnings } = overview([
    identity('a', ready, condition('Mounted', 'True', 'Mounted'), condition('Warnings', 'True', 'SubPathMount')),
    identity('b', ready, condition('Mounted', 'False', 'NotMounted')),
    identity('c', ready, condition('Warnings', 'True', 'ExpiredInPod')),
  ]);
  expect(problems).toEqual([{ object: 'WorkloadIdentity shop/c', reason: 'ExpiredInPod', message: 'ExpiredInPod it is' }]);
  expect(warnings).toEqual([
    { object: 'WorkloadIdentity shop/a', reason: 'SubPathMount', message: 'SubPathMount it is' },
    { object: 'WorkloadIdentity shop/b', reason: 'NotMounted', message: 'NotMounted it is' },
  ]);
  const quiet = overview([identity('a', ready, condition('Mounted', 'True', 'Mounted'))]);
  expect(quiet).not.toHaveProperty('warnings');
  const text = overviewText(overview([identity('b', ready, condition('Mounted', 'False', 'NotMounted'))]), { colour: false, width: 100 });
  expect(text).toContain('Nothing is wrong.\n\n1 warning:\n! WorkloadIdentity shop/b  NotMounted\n  NotMounted it is\n');
});

test('many identities that nobody mounts are one line', () => {
  const { warnings } = overview(Array.from({ length: 40 }, (_, index) => identity(`n${String(index).padStart(2, '0')}`, ready, condition('Mounted', 'False', 'NotMounted'))));
  expect(warnings).toEqual([{ object: '40 WorkloadIdentities', reason: 'NotMounted', message: expect.stringContaining('no pod mounts the Secrets of shop/n00, shop/n01, shop/n02 and 37 more') as string }]);
});

test('a fleet with conflicts is a problem', () => {
  const { namespace: _none, ...metadata } = meta('all');
  const fleet: ClusterWorkloadIdentity = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'ClusterWorkloadIdentity', metadata, spec: { namespaceSelector: {} }, status: { conditions: [condition('Ready', 'False', 'Conflicts')] } };
  expect(overview([], [fleet]).problems).toEqual([{ object: 'ClusterWorkloadIdentity all', reason: 'Conflicts', message: 'Conflicts it is' }]);
});
