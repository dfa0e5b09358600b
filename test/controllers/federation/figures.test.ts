/** What the fetches of others' bundles tell: metrics at each of them, and the row that `mtlsd status` shows. */
import { expect, test } from 'vitest';
import { overviewOf } from '../../../src/app/overview/overview.ts';
import { overviewText } from '../../../src/cli/overview-text.ts';
import type { FederationFigures, Metrics } from '../../../src/telemetry/index.ts';
import { minuteMs, startBench, type Bench } from '../bench.ts';
import { documentOf, rootOf, Servers } from './peers.ts';

const nothing = (): void => undefined;
const spec = (...names: readonly string[]) => ({ federatesWith: names.map((name) => ({ trustDomain: name, bundleEndpoint: { url: `https://spiffe.${name}/bundle`, profile: 'https_web' as const } })) });

/** The lines of `mtlsd status` about other trust domains. */
function rows({ world }: Bench): readonly string[] {
  const object = world.store.peek({ kind: 'TrustDomain', name: 'a.example' });
  const overview = overviewOf({ trustDomains: object === undefined ? [] : [object], identities: [], rotations: [] }, [], world.time.nowMs);
  return overviewText(overview, { colour: false, width: 120 }).split('\n').filter((line) => line.includes('federates with')).map((line) => line.trim());
}

test('a fetch that succeeds, one that fails with its reason, and a peer that a manifest names no more', async () => {
  const told: (readonly [string, FederationFigures | undefined])[] = [];
  const metrics: Metrics = { issued: nothing, reconciled: nothing, storeInterrupted: nothing, queueDepth: nothing, federated: (own, peer, figures) => void told.push([`${own} ${peer}`, figures]) };
  const last = (peer: string) => told.findLast(([who]) => who === `a.example ${peer}`);
  const servers = new Servers();
  servers.serve('spiffe.partner.example', documentOf('partner.example', 7, [await rootOf('partner.example')]));
  const bench = await startBench(spec('partner.example', 'dead.example'), { fetchBundle: servers.fetch, metrics });
  await bench.pass(minuteMs);
  const fetchedAtMs = last('partner.example')?.[1]?.fetchedAtMs ?? 0;
  expect(last('partner.example')).toEqual(['a.example partner.example', { fetchedAtMs, failure: undefined }]);
  expect([fetchedAtMs > 0, fetchedAtMs <= bench.world.time.nowMs]).toEqual([true, true]);
  expect(last('dead.example')).toEqual(['a.example dead.example', { fetchedAtMs: undefined, failure: 'PeerUnreachable' }]);
  const fetchedAt = bench.world.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status?.federation?.find(({ trustDomain }) => trustDomain === 'partner.example')?.fetchedAt ?? '';
  expect(rows(bench)).toEqual([expect.stringMatching(/^federates with {2}partner\.example {2}1 root, sequence 7, since /u), expect.stringMatching(/^federates with {2}dead\.example {5}no bundle yet +PeerUnreachable$/u)]);
  expect(rows(bench)[0]).toContain(fetchedAt);

  servers.die('spiffe.partner.example');
  await bench.pass(6 * minuteMs);
  // It is still known when the bundle that is in use was fetched.
  const failed = last('partner.example')?.[1];
  expect([failed?.failure, (failed?.fetchedAtMs ?? 0) >= fetchedAtMs]).toEqual(['PeerUnreachable', true]);
  expect(rows(bench)[0]).toMatch(/^federates with {2}partner\.example {2}1 root, sequence 7, since .*PeerUnreachable$/u);

  bench.domain(spec('dead.example'));
  await bench.world.drain();
  expect(last('partner.example')).toEqual(['a.example partner.example', undefined]);
  expect(rows(bench)).toHaveLength(1);
});
