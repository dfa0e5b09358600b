/** L26: what peers of a federation publish and what authors of pods write, marked wherever they may put something, is in no log, audit line, metric or status. */
import { expect, test } from 'vitest';
import type { AuditRecord } from '../../src/audit/index.ts';
import { AuditSite, ScriptedSink } from '../app/audit/audit-site.ts';
import { minuteMs, startBench } from './bench.ts';
import { documentOf, rootOf, type Servers } from './federation/peers.ts';
import { PodBench } from './pod-certificate/pod-bench.ts';

const mark = 'hunter2.alice@example.org';
/** As it is, in base64 at every offset, and in hexadecimal. */
const marked = /hunter2|alice|aHVudGVyM|h1bnRlcj|odW50ZXIy|68756e74657232/iu;

test('of what other trust domains publish', async () => {
  const good = documentOf('partner.example', 1, [await rootOf('partner.example')]);
  const parsed = JSON.parse(good) as { keys: object[] };
  const answers: readonly { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string }[] = [
    { body: mark },
    { body: `{"${mark}": ` },
    { body: `["${mark}"]` },
    { body: JSON.stringify({ keys: mark, [mark]: mark }) },
    { body: JSON.stringify({ keys: [], spiffe_sequence: mark }) },
    { body: JSON.stringify({ keys: [], spiffe_sequence: 1, spiffe_refresh_hint: mark }) },
    { body: JSON.stringify({ keys: [{ use: mark, kty: mark, kid: mark, x5c: [mark] }] }) },
    { body: JSON.stringify({ keys: [{ use: 'x509-svid', kty: mark, x5c: [Buffer.from(mark).toString('base64')] }] }) },
    { body: JSON.stringify({ keys: [{ use: 'jwt-svid', kty: 'EC', crv: mark, kid: mark, x: mark, y: mark, d: mark }] }) },
    { headers: { 'content-type': mark }, body: good },
    { status: 302, headers: { location: `https://${mark}:${mark}@elsewhere.example/${mark}` }, body: mark },
    { status: 302, headers: { location: `https://elsewhere.example/${mark}?signature=${mark}#${mark}` }, body: mark },
    { status: 500, headers: { 'retry-after': mark, 'www-authenticate': mark }, body: mark },
    { body: JSON.stringify({ ...parsed, [mark]: mark, keys: [...parsed.keys, { use: mark, kid: mark }, { use: 'jwt-svid', kid: mark, kty: mark }] }) },
  ];
  let answer = answers[0];
  const fetchBundle: Servers['fetch'] = async () => Promise.resolve({ status: answer?.status ?? 200, headers: { 'content-type': 'application/json', ...answer?.headers }, body: answer?.body ?? '' });
  const bench = await startBench({ federatesWith: [{ trustDomain: 'partner.example', bundleEndpoint: { url: 'https://spiffe.partner.example/bundle', profile: 'https_web' } }] }, { fetchBundle });
  const statuses: unknown[] = [];
  for (const each of answers) {
    // What is told of one problem is told once: in between all is well.
    for (answer of [each, { body: good }]) {
      await bench.pass(15 * minuteMs);
      statuses.push(bench.world.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status);
    }
  }
  expect(bench.told.lines.filter((line) => line.includes('was not fetched')).length).toBeGreaterThanOrEqual(12);
  expect(bench.world.audit.map(({ decision }) => decision)).toEqual(expect.arrayContaining(['bundle-refused', 'bundle-accepted']));
  for (const text of [...bench.told.lines, ...await written(bench.world.audit), ...statuses.map((status) => JSON.stringify(status))]) expect(text).not.toMatch(marked);
});

test('of what authors of pods write', async () => {
  const bench = await PodBench.start({}, { podWarnings: true });
  const told: string[] = [];
  const hear = (message: string, fields?: object): void => void told.push(JSON.stringify([message, fields]));
  bench.wrapped = (context) => ({ ...context, log: { debug: hear, info: hear, warn: hear, error: hear } });
  bench.world.crash();
  bench.world.start();
  bench.identity('web');
  const account = bench.account('web');
  const notes = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ password: mark }), 'mtlsd.io/identity': mark, 'mtlsd.io/inject': mark, [`example.com/${mark.slice(0, 7)}`]: mark };
  for (const [name, asked] of [['plain', {}], ['wanting', { unverifiedUserAnnotations: { 'mtlsd.io/identity': mark, [`mtlsd.io/${mark}`]: mark } }], ['foreign', { stubPKCS10Request: Buffer.from(mark).toString('base64') }], ['absent', { podName: 'hunter2-alice' }]] as const) {
    const pod = bench.pod(name, 'web');
    bench.user(() => bench.world.store.apply({ ...pod, metadata: { ...pod.metadata, annotations: notes, labels: { owner: 'alice.hunter2' } } }));
    bench.request(pod, account, asked);
  }
  await bench.pass(10 * minuteMs);
  expect(bench.outcome('plain')).toBe('Issued');
  expect(bench.world.audit.map(({ decision }) => decision)).toEqual(expect.arrayContaining(['issued', 'refused']));
  for (const text of [...told, ...await written(bench.world.audit)]) expect(text).not.toMatch(marked);
});

/** Records as the daemon writes them. */
async function written(records: readonly AuditRecord[]): Promise<readonly string[]> {
  const sink = new ScriptedSink();
  await using audit = new AuditSite().start('mtlsd-0', { sink });
  for (const record of records) audit.record(record);
  return sink.lines;
}
