import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Overview } from '../../src/app/overview/overview.ts';
import type { Pair } from './identity.ts';
import { run } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';

const names = ['a', 'b', 'c'];

/**
 * The shortest lives that there are, in one daemon that nobody touches: identities of one minute under an issuing authority of
 * two. Each look judges every pair as a peer would, with the roots that were delivered first.
 */
test('identities renew and the issuing authority turns over by themselves; every pair is good at every look; the bundle never changes', { timeout: 180_000 }, async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain('shop.example', { issuingAuthority: { lifetime: '2m' }, svid: { ttl: '1m', maxTTL: '1m' } }), ...names.map((name) => identity(name)));
  const daemon = sandbox.start();
  const first = new Map<string, Pair>();
  for (const name of names) first.set(name, (await sandbox.issued(name)).now());
  const [root, bundle] = [first.get('a')?.roots[0]?.fingerprint256, readFileSync(sandbox.identity('a').file('bundle.json'), 'utf8')];

  const seen = new Map<string, Pair[]>(names.map((name) => [name, []]));
  const isDone = (): boolean => names.every((name) => new Set(seen.get(name)?.map((pair) => pair.leaf.serialNumber)).size >= 3 && new Set(seen.get(name)?.map((pair) => pair.issuing.fingerprint256)).size >= 2);
  for (const end = performance.now() + 150_000; performance.now() < end && !isDone(); await sleep(50)) {
    for (const name of names) {
      const pair = sandbox.identity(name).now();
      expect(pair.roots.map((each) => each.fingerprint256)).toEqual([root]);
      seen.get(name)?.push(pair);
    }
  }
  expect(isDone()).toBe(true);
  expect(readFileSync(sandbox.identity('a').file('bundle.json'), 'utf8')).toBe(bundle);
  for (const pairs of seen.values()) expectOrdinaryRenewals(pairs);

  const { trustDomains, identities, problems } = JSON.parse((await run('status', '--out', sandbox.out, '--output', 'json')).stdout) as Overview;
  expect(problems).toEqual([]);
  expect(trustDomains[0]).toMatchObject({ name: 'shop.example', ready: true, bundleGeneration: 1 });
  expect(trustDomains[0]?.signerEpoch).toBeGreaterThanOrEqual(2);
  for (const row of identities) expect(row.renewals).toBeGreaterThanOrEqual(2);
  expect((await daemon.stop()).stdout).toContain('bundles do not change');
});

/** Each next pair was made between 0.4 and 0.6 of the life of the one before, which was good until then (L12). */
function expectOrdinaryRenewals(pairs: readonly Pair[]): void {
  const generations = pairs.filter((pair, index) => pair.leaf.serialNumber !== pairs[index - 1]?.leaf.serialNumber);
  for (const [index, next] of generations.entries()) {
    const before = generations[index - 1];
    if (before === undefined) continue;
    // Whole seconds, and both are dated back alike. A machine that is busy may be late; nothing may be early.
    const ageSeconds = (next.notBeforeMs - before.notBeforeMs) / 1000;
    expect(ageSeconds).toBeGreaterThanOrEqual(23);
    expect(next.notBeforeMs + 60_000).toBeLessThanOrEqual(before.notAfterMs);
  }
}
