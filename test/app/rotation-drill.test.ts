import { describe, expect, test } from 'vitest';
import { rotationOutlook, type OutlookRequest } from '../../src/app/rotation/outlook.ts';
import { probeConfigMaps } from '../../src/app/rotation/write-probe.ts';
import { MtlsdError } from '../../src/errors/index.ts';
import type { Node, Pod, PodVolume } from '../../src/resources/index.ts';
import { MemoryStore, noFaults, type FaultPlan } from '../../src/store/memory/index.ts';
import { identityFixture, trustDomainFixture } from '../cli/rotate-samples.ts';

const metadata = (name: string, namespace?: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '2026-03-01T08:00:00Z', ...(namespace === undefined ? {} : { namespace }) });

function pod(name: string, nodeName: string, volume: PodVolume, mount: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(name, 'shop'),
    spec: { nodeName, volumes: [volume], containers: [{ name: 'app', volumeMounts: [{ name: volume.name, mountPath: '/identity', ...mount }] }] },
    status: { phase: 'Running' },
  };
}

const secret: PodVolume = { name: 'identity', secret: { secretName: 'cart-mtls' } };
const podCertificate = (trustDomain: string): PodVolume => ({ name: 'identity', projected: { sources: [{ podCertificate: { signerName: 'mtlsd.io/x509-svid', keyType: 'ECDSAP256', userAnnotations: { 'mtlsd.io/trust-domain': trustDomain } } }] } });
const node = (name: string, status: 'True' | 'Unknown'): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: metadata(name), status: { conditions: [{ type: 'Ready', status, lastTransitionTime: '2026-03-01T08:30:00Z' }] } });

const around = {
  pods: [
    pod('plain', 'well', secret),
    pod('frozen', 'well', secret, { subPath: 'tls.crt' }),
    pod('cut-off', 'away', secret),
    pod('pulls', 'well', podCertificate('shop.example')),
    pod('of-another', 'well', podCertificate('bank.example')),
    pod('no-concern', 'gone', { name: 'other', secret: { secretName: 'other' } }),
  ],
  nodes: [node('well', 'True'), node('away', 'Unknown')],
};
const sight = { trustDomains: [trustDomainFixture()], identities: [identityFixture('cart')], rotations: [] };
const request: OutlookRequest = { trustDomain: 'shop.example', what: 'Root', mode: 'Graceful', distrustAfterMs: 60_000, pacePerSecond: 50, propagationDefaultMs: 90_000, around };
const nowMs = Date.parse('2026-03-01T09:01:15Z');

describe('who is late, by pods and nodes', () => {
  test('holds a rotation up, and breaks in an emergency from a time on', () => {
    const late = [
      { object: 'Pod shop/frozen', why: 'container app mounts it by subPath: it never sees a new certificate or bundle; restart it' },
      { object: 'Node away', why: 'is not ready since 2026-03-01T08:30:00Z: what its 1 pods have is not known; bring it back, or drain it' },
    ];
    expect(rotationOutlook(sight, request, nowMs).stragglers).toEqual(late);
    const urgent = rotationOutlook(sight, { ...request, mode: 'Emergency' }, nowMs);
    expect(urgent.breaks).toEqual([...late, { object: 'Pod shop/pulls', why: 'kubelet renews its pod certificate at half of its life, not earlier: restart it after the switch' }].map(({ object, why }) => ({ object, why: `refused, and refuses, from 60 s after the switch on: ${why}` })));
    expect(urgent.unsettledSeconds).toBe(1 + 2 + 3);
  });

  test('is not guessed where it may not be seen', () => {
    const unknown = rotationOutlook(sight, { ...request, around: { unknown: 'Grant "watch" on pods.' } }, nowMs);
    expect(unknown.stragglers).toEqual([{ object: 'Pods and nodes', why: 'are not known: Grant "watch" on pods.' }]);
  });
});

describe('a drill', () => {
  const writing = { writes: 96, writesPerSecond: 10, seenSeconds: 0.5, where: 'somewhere' };
  const drill = { authoritiesSeconds: 0.2, signaturesPerSecond: 400, signed: 200, writing };

  test('reckons with what it measured, and says what is a bound', () => {
    const many = { ...sight, identities: Array.from({ length: 100 }, (_, index) => identityFixture(`cart-${index}`)) };
    const { steps, withdrawal } = rotationOutlook(many, { ...request, mode: 'Emergency', drill }, nowMs);
    // Ten writes a second: five certificates a second, each a Secret and a status, and a hundred bundles.
    expect(steps.map(({ phase, seconds, evidence }) => [phase, seconds, evidence])).toEqual([['Switch', 1, 'measured'], ['Reissue', 30, 'measured'], ['Drain', 30, 'bounded']]);
    expect(withdrawal?.map(({ phase, seconds, evidence }) => [phase, seconds, evidence])).toEqual([['Retire', 10, 'measured'], ['Confirm', 2, 'bounded'], ['Confirm', 3, 'bounded']]);
    const blind = rotationOutlook(many, { ...request, mode: 'Emergency', drill: { ...drill, writing: { unmeasured: 'Grant it' } } }, nowMs);
    expect(blind.steps.map(({ phase, seconds, evidence }) => [phase, seconds, evidence])).toEqual([['Switch', 2, 'assumed'], ['Reissue', 3, 'assumed'], ['Drain', 57, 'bounded']]);
  });

  test('writes what nobody reads, sees it, and leaves nothing behind', async () => {
    const store = storeWith(noFaults);
    const probe = await probeConfigMaps(store, 'mtlsd-system', 'abc');
    expect(probe).toMatchObject({ writes: 96, where: '16 ConfigMaps mtlsd-drill-abc-… in namespace mtlsd-system, removed again' });
    for (let index = 0; index < 16; index += 1) expect(await store.get({ kind: 'ConfigMap', namespace: 'mtlsd-system', name: `mtlsd-drill-abc-${index}` })).toBeUndefined();
  });

  test('says which right is missing, and leaves nothing behind', async () => {
    const error = new MtlsdError('STORE_FORBIDDEN', 'Grant "update" on configmaps.', { details: { object: 'ConfigMap' } });
    const store = storeWith({ ...noFaults, operation: ({ verb }) => (verb === 'replace' ? { kind: 'refused', error } : undefined) });
    expect(await probeConfigMaps(store, 'mtlsd-system', 'abc')).toEqual({ unmeasured: 'Grant "update" on configmaps.' });
    for (let index = 0; index < 16; index += 1) expect(await store.get({ kind: 'ConfigMap', namespace: 'mtlsd-system', name: `mtlsd-drill-abc-${index}` })).toBeUndefined();
  });
});

function storeWith(faults: FaultPlan): MemoryStore {
  let uid = 0;
  return new MemoryStore({ nowMs: () => nowMs, uid: () => `uid-${(uid += 1)}`, faults });
}
