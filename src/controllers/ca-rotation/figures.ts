import { activeAuthority } from '../../authority/index.ts';
import { countViolations, trustInRecord, trustInStatus } from '../../rotation/index.ts';
import type { TrustFigures } from '../../telemetry/index.ts';
import type { BundleTargets } from '../bundle/targets.ts';
import type { Domains } from '../domains.ts';
import type { RotationCaches } from './caches.ts';
import { takeInventory } from './inventory.ts';
import { hasEnded } from './status.ts';

/** Where the trust of all trust domains stands, for the metrics, and the violations of each, for its status. */
export function trustFigures(domains: Domains, caches: RotationCaches, behind: BundleTargets, nowMs: number): { readonly figures: TrustFigures; readonly violations: ReadonlyMap<string, number> } {
  const liveLeaves = { Prepared: 0, Active: 0, Retiring: 0, Unknown: 0 };
  const sums = { bundleGenerations: 0, placesBehind: 0, violations: 0 };
  const violations = new Map<string, number>();
  let rootRemainingMs: number | undefined;
  for (const { object, record } of domains.all()) {
    const { name } = object.metadata;
    // Without a record in force what was delivered counts: a restored older one says nothing of it.
    const trust = record === undefined ? trustInStatus(caches.trustDomains.get(undefined, name)?.status) : trustInRecord(record);
    if (trust === undefined) continue;
    const { targets, leaves } = takeInventory(name, caches, behind, nowMs);
    const generations = targets.map(({ generation }) => generation);
    const stateOf = new Map(trust.authorities.map(({ keyIdentifier, state }) => [keyIdentifier, state]));
    for (const { issuer, notAfterMs } of leaves) if (notAfterMs > nowMs) liveLeaves[stateOf.get(issuer) ?? 'Unknown'] += 1;
    sums.bundleGenerations = Math.max(sums.bundleGenerations, new Set(generations).size);
    sums.placesBehind += generations.filter((generation) => generation < trust.bundleGeneration).length;
    const found = countViolations(trust, generations, leaves, nowMs);
    violations.set(name, found);
    sums.violations += found;
    if (record === undefined) continue;
    const leftMs = activeAuthority(record, 'Root').certificate.notAfterMs - nowMs;
    rootRemainingMs = Math.min(rootRemainingMs ?? leftMs, leftMs);
  }
  const rotations = [...caches.rotations.values()].filter((rotation) => !hasEnded(rotation)).length;
  return { figures: { ...sums, liveLeaves, rootRemainingMs, rotations }, violations };
}
