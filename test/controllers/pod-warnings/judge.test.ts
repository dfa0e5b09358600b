import { describe, expect, test } from 'vitest';
import { judgeUse, unusedGraceMs, type ObservedUse } from '../../../src/controllers/pod-warnings/judge.ts';
import { factsOfPod, type PodFacts } from '../../../src/controllers/pod-warnings/uses.ts';
import type { Pod, PodVolume } from '../../../src/resources/index.ts';

const startedAt = '2026-01-05T12:00:00Z';
const startMs = Date.parse(startedAt);
const hourMs = 3_600_000;

type Mount = { readonly subPath?: string; readonly subPathExpr?: string };

function pod(volume: Omit<PodVolume, 'name'>, spec: Partial<Pod['spec']> = {}, mount: Mount = {}, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'cart-1', uid: 'p', resourceVersion: '1', creationTimestamp: startedAt, ...metadata },
    spec: { serviceAccountName: 'cart', volumes: [{ name: 'tls', ...volume }], containers: [{ name: 'main', volumeMounts: [{ name: 'tls', mountPath: '/tls', ...mount }] }], ...spec },
    status: { phase: 'Running', containerStatuses: [{ name: 'main', state: { running: { startedAt } } }] },
  };
}

const secret = (fields: object = {}): Omit<PodVolume, 'name'> => ({ secret: { secretName: 'cart-mtls', ...fields } });
const certificate = (fields: object = {}): Omit<PodVolume, 'name'> => ({ projected: { sources: [{ podCertificate: { signerName: 'mtlsd.io/x509-svid', keyType: 'ECDSAP256' } }], ...fields } });
const use = (found: Pod): PodFacts['uses'][number] | undefined => factsOfPod(found)?.uses[0];

describe('what is kept of a pod', () => {
  test('nothing of one that mounts no Secret and no certificate of ours, that has ended, or that is going', () => {
    expect(factsOfPod(pod({}))).toBeUndefined();
    expect(factsOfPod(pod({ projected: { sources: [{ podCertificate: { signerName: 'other.example/x', keyType: 'ED25519' } }] } }))).toBeUndefined();
    expect(factsOfPod({ ...pod(secret()), status: { phase: 'Succeeded' } })).toBeUndefined();
    expect(factsOfPod(pod(secret(), {}, {}, { deletionTimestamp: startedAt }))).toBeUndefined();
    expect(factsOfPod(pod(secret(), { containers: [{ name: 'main' }] }))).toBeUndefined();
  });

  test('the workload that a person would change', () => {
    const owned = (kind: string, name: string, labels: Readonly<Record<string, string>> = {}): string | undefined =>
      factsOfPod(pod(secret(), {}, {}, { labels, ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: 'o', controller: true }] }))?.workload;
    expect(owned('ReplicaSet', 'cart-7d9f', { 'pod-template-hash': '7d9f' })).toBe('Deployment cart');
    expect(owned('ReplicaSet', 'cart-7d9f')).toBe('ReplicaSet cart-7d9f');
    expect(owned('StatefulSet', 'db')).toBe('StatefulSet db');
    expect(factsOfPod(pod(secret()))?.workload).toBe('Pod cart-1');
  });

  test.each<[string, Pod, boolean]>([
    ['a Secret by default', pod(secret()), true],
    ['a Secret with fsGroup alone: it takes nothing away', pod(secret(), { securityContext: { fsGroup: 1 } }), true],
    ['a Secret for the group', pod(secret({ defaultMode: 0o440 })), false],
    ['roots alone', pod(secret({ items: [{ key: 'ca.crt', path: 'ca.crt' }] })), false],
    ['a key for the group among others', pod(secret({ items: [{ key: 'tls.key', path: 'k', mode: 0o440 }, { key: 'ca.crt', path: 'c' }] })), false],
    ['a key for all in a volume for the group', pod(secret({ defaultMode: 0o440, items: [{ key: 'tls.key', path: 'k', mode: 0o444 }] })), true],
    ['a pod certificate by default', pod(certificate()), true],
    ['a pod certificate with fsGroup: kubelet narrows it', pod(certificate(), { securityContext: { fsGroup: 1 } }), false],
    ['a pod certificate of one user', pod(certificate(), { securityContext: { runAsUser: 7 } }), false],
    ['a pod certificate for the group', pod(certificate({ defaultMode: 0o440 })), false],
  ])('whether everybody can read the key: %s', (_, found, worldReadable) => {
    expect(use(found)?.worldReadable).toBe(worldReadable);
  });

  test('of users that differ kubelet narrows for none', () => {
    const volumeMounts = [{ name: 'tls', mountPath: '/tls' }];
    const containers = [1, 2].map((runAsUser) => ({ name: `c${runAsUser}`, volumeMounts, securityContext: { runAsUser } }));
    expect(use(pod(certificate(), { containers }))?.worldReadable).toBe(true);
  });

  test('whether a part is mounted that never changes', () => {
    expect(use(pod(secret(), {}, { subPath: 'tls.crt' }))?.subPath).toBe(true);
    expect(use(pod(secret(), {}, { subPathExpr: '$(X)' }))?.subPath).toBe(true);
    expect(use(pod(secret()))?.subPath).toBe(false);
  });
});

const narrow = { defaultMode: 0o440 };
const facts = (...pods: readonly Pod[]): readonly PodFacts[] => pods.map(factsOfPod).filter((each) => each !== undefined);
const observed = (given: Partial<ObservedUse> = {}): ObservedUse => ({
  secretName: 'cart-mtls',
  mounting: [],
  certified: [],
  certificateEndMs: () => undefined,
  svid: { notBeforeMs: startMs, notAfterMs: startMs + hourMs },
  unusedSinceMs: startMs,
  lastMounted: undefined,
  ...given,
});

describe('what pods tell of an identity', () => {
  test('nothing before the time of grace, then that nobody mounts it', () => {
    expect(judgeUse(observed(), startMs)).toEqual({ findings: { mounted: undefined, warnings: undefined }, nextAtMs: startMs + unusedGraceMs });
    const { findings, nextAtMs } = judgeUse(observed(), startMs + unusedGraceMs);
    expect(findings.mounted).toMatchObject({ status: 'False', reason: 'NotMounted' });
    expect(nextAtMs).toBeUndefined();
  });

  test('that pods use it, one way or the other', () => {
    expect(judgeUse(observed({ mounting: facts(pod(secret(narrow))) }), startMs).findings).toEqual({ mounted: undefined, warnings: undefined });
    expect(judgeUse(observed({ certified: facts(pod(certificate(narrow))) }), startMs).findings).toEqual({ mounted: undefined, warnings: undefined });
  });

  test('that they run with an expired certificate, at the moment when it is', () => {
    const mounting = facts(pod(secret(narrow)));
    expect(judgeUse(observed({ mounting }), startMs)).toMatchObject({ findings: { warnings: undefined }, nextAtMs: startMs + hourMs });
    expect(judgeUse(observed({ mounting }), startMs + hourMs).findings.warnings).toMatchObject({ reason: 'ExpiredInPod', message: expect.stringContaining('Pod cart-1 run with a certificate that has expired') as string });
    const waiting = facts({ ...pod(secret(narrow)), status: { phase: 'Pending' } });
    expect(judgeUse(observed({ mounting: waiting }), startMs + hourMs).findings.warnings).toBeUndefined();
  });

  test('that a pod certificate has expired, at the moment when it has, and of what nobody knows nothing', () => {
    const certified = facts(pod(certificate(narrow)));
    const certificateEndMs = (uid: string): number | undefined => (uid === 'p' ? startMs + hourMs : undefined);
    expect(judgeUse(observed({ certified, certificateEndMs }), startMs)).toMatchObject({ findings: { warnings: undefined }, nextAtMs: startMs + hourMs });
    expect(judgeUse(observed({ certified, certificateEndMs }), startMs + hourMs).findings.warnings).toMatchObject({ reason: 'ExpiredInPod', message: expect.stringContaining('Pod cart-1 run with a pod certificate that has expired') as string });
    const waiting = facts({ ...pod(certificate(narrow)), status: { phase: 'Pending' } });
    expect(judgeUse(observed({ certified: waiting, certificateEndMs }), startMs + hourMs).findings.warnings).toBeUndefined();
    expect(judgeUse(observed({ certified }), startMs + hourMs)).toMatchObject({ findings: { warnings: undefined }, nextAtMs: undefined });
  });

  test('where no Secrets are delivered, that no pod has a pod certificate', () => {
    const { findings } = judgeUse(observed({ secretName: undefined, svid: undefined }), startMs + unusedGraceMs);
    expect(findings.mounted).toMatchObject({ status: 'False', reason: 'NotMounted', message: expect.stringContaining('mtlsd.io/inject: pod-certificate') as string });
  });

  test('that a copy by subPath never changes, and has expired one life after the start, however new the Secret is', () => {
    const mounting = facts(pod(secret(narrow), {}, { subPath: 'tls.crt' }));
    const renewed = { notBeforeMs: startMs + hourMs / 2, notAfterMs: startMs + 1.5 * hourMs };
    expect(judgeUse(observed({ mounting, svid: renewed }), startMs + hourMs / 2)).toMatchObject({ findings: { warnings: { status: 'True', reason: 'SubPathMount' } }, nextAtMs: startMs + hourMs });
    expect(judgeUse(observed({ mounting, svid: renewed }), startMs + hourMs).findings.warnings).toMatchObject({ reason: 'ExpiredInPod', message: expect.stringContaining('by subPath, which never sees a renewal') as string });
  });

  test('all of it in one sentence each, the worst first, with few names', () => {
    const mounting = facts(...['e', 'b', 'a', 'd', 'c'].map((name) => pod(secret(), {}, {}, { name })));
    expect(judgeUse(observed({ mounting }), startMs).findings.warnings?.message).toBe(
      'in Pod a, Pod b, Pod c and 2 more every user can read the private key: set securityContext.fsGroup for the pod and defaultMode: 0440 for the volume',
    );
  });
});
