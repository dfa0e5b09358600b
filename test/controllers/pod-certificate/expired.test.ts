/** Pods that go on with a pod certificate that has ended: seen by the requests that are not there. */
import { describe, expect, test } from 'vitest';
import { CertificateEnds } from '../../../src/controllers/pod-certificate/certificate-ends.ts';
import type { Condition, Pod, PodCertificateRequest } from '../../../src/resources/index.ts';
import { hourMs, minuteMs } from '../bench.ts';
import { PodBench } from './pod-bench.ts';

/** A pod that runs with a pod certificate, whose request is collected as Kubernetes does. */
async function run(bench: PodBench, name: string): Promise<Pod> {
  bench.ask(name);
  await bench.world.drain();
  expect(bench.outcome(name)).toBe('Issued');
  const key = { kind: 'Pod', namespace: 'shop', name } as const;
  const volumes = [{ name: 'mtls', projected: { sources: [{ podCertificate: { signerName: 'mtlsd.io/x509-svid', keyType: 'ECDSAP256' } }], defaultMode: 0o440 } }];
  const containers = [{ name: 'main', volumeMounts: [{ name: 'mtls', mountPath: '/mtls' }] }];
  let running: Promise<Pod> | undefined;
  bench.user(() => {
    const { metadata } = bench.world.store.edit(key, (pod) => ({ ...pod, spec: { ...pod.spec, volumes, containers } }));
    running = bench.world.store.patchStatus(key, { phase: 'Running' }, metadata);
  });
  await bench.pass(15 * minuteMs);
  bench.user(() => bench.world.store.remove({ kind: 'PodCertificateRequest', namespace: 'shop', name }));
  await bench.world.drain();
  if (running === undefined) throw new Error('nobody ran it');
  return running;
}

function warnings(bench: PodBench, name: string): Condition | undefined {
  return bench.world.store.peek({ kind: 'WorkloadIdentity', namespace: 'shop', name })?.status?.conditions?.find(({ type }) => type === 'Warnings');
}

const expired = { status: 'True', reason: 'ExpiredInPod', message: expect.stringContaining('Pod web run with a pod certificate that has expired') as string };

describe.each([true, false])('a pod with a pod certificate, where Secrets are delivered: %s', (secretDelivery) => {
  test('is named when that ends and no other was given, and no more when one was', async () => {
    const bench = await PodBench.start({}, { secretDelivery, podWarnings: true });
    bench.identity('web');
    const pod = await run(bench, 'web');
    await bench.pass(40 * minuteMs);
    expect(warnings(bench, 'web')).toBeUndefined();
    for (let minutes = 0; minutes < 10; minutes += 1) await bench.pass(minuteMs);
    expect(warnings(bench, 'web')).toMatchObject(expired);
    bench.request(pod, bench.account('web'));
    for (let minutes = 0; minutes < 3; minutes += 1) await bench.pass(minuteMs);
    expect(bench.outcome('web')).toBe('Issued');
    expect(warnings(bench, 'web')).toBeUndefined();
  });
});

test('of a pod that an earlier process has given one it is told a day after the start, when none can have lived on', async () => {
  const bench = await PodBench.start({}, { podWarnings: true });
  bench.identity('web');
  await run(bench, 'web');
  bench.world.crash();
  bench.world.start();
  await bench.world.drain();
  for (let hours = 0; hours < 23; hours += 1) await bench.pass(hourMs);
  expect(warnings(bench, 'web')).toBeUndefined();
  for (let hours = 0; hours < 2; hours += 1) await bench.pass(hourMs);
  expect(warnings(bench, 'web')).toMatchObject(expired);
});

describe('what is known of the ends', () => {
  const startMs = Date.parse('2026-01-05T12:00:00Z');
  const request = (podUID: string, beginMs: number): PodCertificateRequest => ({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'PodCertificateRequest',
    metadata: { namespace: 'shop', name: podUID, uid: podUID, resourceVersion: '1', creationTimestamp: '' },
    spec: { signerName: 'mtlsd.io/x509-svid', podName: podUID, podUID, serviceAccountName: 'web', serviceAccountUID: 's', nodeName: 'n', nodeUID: 'n' },
    status: { notBefore: new Date(beginMs).toISOString(), notAfter: new Date(beginMs + hourMs).toISOString() },
  });

  test('nothing before all requests were seen; then the latest end of each pod, and a bound for the others', () => {
    const ends = new CertificateEnds();
    ends.note(request('a', startMs));
    expect(ends.endOf('a')).toBeUndefined();
    ends.begin(startMs);
    ends.note(request('a', startMs - hourMs));
    expect([ends.endOf('a'), ends.endOf('b')]).toEqual([startMs + hourMs, startMs + 24 * hourMs]);
  });

  test('a first certificate is told, a renewal is not, and one that comes too late is', () => {
    const ends = new CertificateEnds();
    let told = 0;
    ends.onChange(({ spec }) => void (told += spec.podUID === 'a' ? 1 : 0));
    for (const beginMs of [startMs, startMs + hourMs / 2, startMs + 3 * hourMs]) ends.note(request('a', beginMs));
    expect(told).toBe(2);
    const { status: _status, ...open } = request('b', startMs);
    ends.note(open);
    expect(told).toBe(2);
  });

  test('pods that are long gone are forgotten, and one that is not is still known to have none', () => {
    const ends = new CertificateEnds();
    ends.begin(startMs);
    for (let index = 0; index < 3_000; index += 1) ends.note(request(`pod-${index}`, startMs + index * minuteMs));
    expect(ends.endOf('pod-2999')).toBe(startMs + 2_999 * minuteMs + hourMs);
    expect(ends.endOf('pod-0')).toBeLessThanOrEqual(startMs + 24 * hourMs);
  });
});
