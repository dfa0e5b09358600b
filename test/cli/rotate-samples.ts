import type { CARotation, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';

type Status = NonNullable<CARotation['status']>;
type Gate = NonNullable<Status['gates']>[number];

/** A gate that was not reached, unless said otherwise. */
export function gate(name: Gate['name'], phase: string, more: Partial<Gate> = {}): Gate {
  return { name, phase, state: 'Pending', done: 0, total: 0, ...more };
}

/** A rotation that waits for two pods to load the new bundle, unless said otherwise. */
export function rotation(status: Partial<Status> = {}, spec: Partial<CARotation['spec']> = {}, name = 'spring'): CARotation {
  return {
    apiVersion: 'mtlsd.io/v1alpha1',
    kind: 'CARotation',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '7', generation: 1, creationTimestamp: '2026-03-01T09:00:00Z', annotations: { 'mtlsd.io/source': `${name}.yaml` } },
    spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority: '96ae2faa00112233445566778899aabbccddeeff', mode: 'Graceful', ...spec },
    status: {
      phase: 'Confirm',
      direction: 'Forward',
      gate: 'Loaded',
      progress: '998/1000',
      stragglers: 2,
      fromAuthority: '96ae2faa00112233445566778899aabbccddeeff',
      toAuthority: '0fff451c00112233445566778899aabbccddeeff',
      bundleGeneration: 2,
      startedAt: '2026-03-01T09:00:00Z',
      nextTime: '2026-03-01T09:02:00Z',
      phases: [{ phase: 'Prepare', startedAt: '2026-03-01T09:00:00Z' }, { phase: 'Confirm', startedAt: '2026-03-01T09:00:10Z' }],
      gates: [
        gate('Written', 'Distribute', { state: 'Passed', done: 1002, total: 1002, evidence: ['observed'], message: 'every target carries generation 2, by reading back' }),
        gate('Delivered', 'Confirm', { state: 'Passed', done: 12, total: 12, evidence: ['bounded', 'observed'], message: '1m 30s since Written, and every node renewed its Lease after that' }),
        gate('Loaded', 'Confirm', {
          state: 'Waiting',
          done: 998,
          total: 1000,
          evidence: ['observed'],
          message: 'consumers have loaded generation 2',
          until: '2026-03-01T09:02:00Z',
          stragglers: [
            { kind: 'Pod', namespace: 'shop', name: 'till-0', reason: 'its mount uses subPath and never updates: restart it' },
            { kind: 'Pod', namespace: 'shop', name: 'till-1', reason: 'its mount uses subPath and never updates: restart it' },
          ],
          stragglerCount: 2,
        }),
        gate('Canary', 'Canary'),
        gate('Acknowledged', 'Reissue'),
        gate('Reissued', 'Reissue'),
        gate('Drained', 'Drain'),
        gate('Withdrawn', 'Retire'),
      ],
      conditions: [{ type: 'Progressing', status: 'True', reason: 'Waiting', message: 'Loaded is waited for', lastTransitionTime: '2026-03-01T09:00:00Z' }],
      ...status,
    },
  };
}

/** The condition that says that a rotation stands still. */
export function standingStill(reason: string, message: string): Partial<Status> {
  return { conditions: [{ type: 'Progressing', status: 'False', reason, message, lastTransitionTime: '2026-03-01T09:00:00Z' }] };
}

const root = '96ae2faa00112233445566778899aabbccddeeff';
const issuing = '5a5a5a5a00112233445566778899aabbccddeeff';

/** A trust domain that is ready, with seconds as bounds unless said otherwise. */
export function trustDomainFixture(name = 'shop.example', spec: TrustDomain['spec'] = { rotation: { propagationBound: '2s', consumerReload: '3s' } }, ready = true): TrustDomain {
  const life = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z' };
  return {
    apiVersion: 'mtlsd.io/v1alpha1',
    kind: 'TrustDomain',
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
    status: {
      authorities: [{ keyIdentifier: root, role: 'Root', state: 'Active', ...life }, { keyIdentifier: issuing, role: 'Issuing', state: 'Active', ...life }],
      bundle: { generation: 1, sha256: 'ab' },
      signerEpoch: 1,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', reason: ready ? 'AuthoritiesActive' : 'RootExpired', message: ready ? 'well' : 'its root has expired', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  };
}

/** The same during a rotation of its root: with another root, in that state. */
export function rotatedFixture(state: 'Prepared' | 'Retiring'): TrustDomain {
  const domain = trustDomainFixture();
  const other = { keyIdentifier: '0fff451c00112233445566778899aabbccddeeff', role: 'Root' as const, state, notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z' };
  return { ...domain, status: { ...domain.status, authorities: [...(domain.status?.authorities ?? []), other] } };
}

/** An identity that is issued. */
export function identityFixture(name: string, status: WorkloadIdentity['status'] = {}): WorkloadIdentity {
  return {
    apiVersion: 'mtlsd.io/v1alpha1',
    kind: 'WorkloadIdentity',
    metadata: { namespace: 'shop', name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {},
    status: {
      trustDomain: 'shop.example',
      bundleGeneration: 1,
      issuer: issuing,
      notBefore: '2026-03-01T08:59:00Z',
      notAfter: '2026-03-01T10:00:00Z',
      conditions: [{ type: 'Ready', status: 'True', reason: 'Delivered', message: 'there', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      ...status,
    },
  };
}
