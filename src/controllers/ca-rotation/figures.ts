import { activeAuthority } from '../../authority/index.ts';
import type { TrustFigures } from '../../telemetry/index.ts';
import type { BundleTargets } from '../bundle/targets.ts';
import type { Domains, DomainState } from '../domains.ts';
import type { RotationCaches } from './caches.ts';
import { takeInventory, type Inventory } from './inventory.ts';
import { hasEnded } from './status.ts';

/** Where the trust of all trust domains stands, for the metrics. */
export function trustFigures(domains: Domains, caches: RotationCaches, behind: BundleTargets, nowMs: number): TrustFigures {
  const liveLeaves = { Prepared: 0, Active: 0, Retiring: 0, Unknown: 0 };
  const figures = { bundleGenerations: 0, placesBehind: 0, violations: 0 };
  let rootRemainingMs: number | undefined;
  for (const domain of domains.all()) {
    const { record } = domain;
    if (record === undefined) continue;
    const inventory = takeInventory(record.trustDomain, caches, behind, nowMs);
    const stateOf = new Map(record.authorities.map(({ keyIdentifier, state }) => [keyIdentifier, state]));
    for (const { issuer, notAfterMs } of inventory.leaves) if (notAfterMs > nowMs) liveLeaves[stateOf.get(issuer) ?? 'Unknown'] += 1;
    figures.bundleGenerations = Math.max(figures.bundleGenerations, new Set(inventory.targets.map(({ generation }) => generation)).size);
    figures.placesBehind += inventory.targets.filter(({ generation }) => generation < record.bundleGeneration).length;
    figures.violations += violationsOf(domain, inventory, nowMs);
    const leftMs = activeAuthority(record, 'Root').certificate.notAfterMs - nowMs;
    rootRemainingMs = Math.min(rootRemainingMs ?? leftMs, leftMs);
  }
  const rotations = [...caches.rotations.values()].filter((rotation) => !hasEnded(rotation)).length;
  return { ...figures, liveLeaves, rootRemainingMs, rotations };
}

/**
 * Live leaves that somebody may refuse: of an issuer that no root in the record vouches for, or of a new root that some
 * place does not carry yet.
 */
function violationsOf({ record }: DomainState, { targets, leaves }: Inventory, nowMs: number): number {
  if (record === undefined) return 0;
  const known = new Map(record.authorities.map(({ keyIdentifier, certificate }) => [keyIdentifier, certificate.authorityKeyIdentifier]));
  const roots = new Set(record.authorities.filter(({ role }) => role === 'Root').map(({ keyIdentifier }) => keyIdentifier));
  const { rotation } = record;
  // While both roots are in the bundle, a place without this generation lacks the new one.
  const lacksNew = rotation?.what === 'Root' && rotation.retiredAtMs === undefined && targets.some(({ generation }) => generation < record.bundleGeneration);
  const newRoot = rotation?.direction === 'Back' ? rotation.from : rotation?.to;
  return leaves.filter(({ issuer, notAfterMs }) => {
    if (notAfterMs <= nowMs) return false;
    const root = known.get(issuer);
    return root === undefined || !roots.has(root) || (lacksNew && root === newRoot);
  }).length;
}
