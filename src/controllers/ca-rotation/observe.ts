import type { AuthorityRecord } from '../../authority/index.ts';
import { resolvedRotationSettings, resolvedRotationSpec, type CARotation, type TrustDomain } from '../../resources/index.ts';
import { recordView, type CanaryResult, type ObservedRotation, type RotationBounds } from '../../rotation/ca/index.ts';
import type { BundleTargets } from '../bundle/targets.ts';
import type { ControllerContext } from '../context.ts';
import type { DomainState } from '../domains.ts';
import { bundleReaders } from '../federation/readers.ts';
import type { ServedHints } from '../federation/served-hints.ts';
import { isOlder } from '../is-older.ts';
import type { RotationCaches } from './caches.ts';
import { consumersOf, nodesOf } from './consumers.ts';
import { takeInventory, type Inventory } from './inventory.ts';
import { hasEnded, remembered } from './status.ts';
import type { RotationWatches } from './watches.ts';

/**
 * kubelet's own bound for what it watches (one sync and its jitter), and for ClusterTrustBundles that are projected by
 * name: those it reads again only when its cache of five minutes ends.
 */
const kubeletMs = 90_000;
const trustBundleMs = 390_000;
/** How far a node's clock may be from ours. Where there is one machine there is one clock. */
const clockToleranceMs = 60_000;

/** Everything that a reconciliation of one rotation looks at. */
export interface RotationSight {
  readonly context: ControllerContext;
  readonly caches: RotationCaches;
  readonly behind: BundleTargets;
  readonly watches: RotationWatches;
  readonly hints: ServedHints;
}

/** The observation for a plan, with the inventory that it was made from. */
export function observeRotation(sight: RotationSight, object: CARotation, domain: DomainState | undefined, record: AuthorityRecord | undefined, notReady: string | undefined, canary: CanaryResult | undefined): { readonly observed: ObservedRotation; readonly inventory: Inventory } {
  const { context, caches, behind, watches } = sight;
  const spec = resolvedRotationSpec(object);
  const inventory = takeInventory(spec.trustDomain, caches, behind, context.clock.nowMs());
  const isCluster = context.cluster !== undefined;
  const consumers = isCluster ? consumersOf(spec.trustDomain, watches.pods(), inventory.targets) : undefined;
  const observed: ObservedRotation = {
    uid: object.metadata.uid,
    name: object.metadata.name,
    spec,
    askedAtMs: Date.parse(object.metadata.creationTimestamp),
    remembered: remembered(object),
    record: record === undefined ? undefined : recordView(record),
    notReady,
    rival: rivalOf(object, caches),
    targets: inventory.targets,
    leaves: inventory.leaves,
    nodes: consumers === undefined ? undefined : nodesOf(consumers.nodes, (name) => watches.node(name), (name) => watches.nodeLease(name)),
    consumers: consumers?.pods,
    consumersUnknown: watches.unknown,
    unseenReaders: consumers?.unseen ?? inventory.targets.length,
    replicas: replicasOf(sight, spec.trustDomain, domain),
    readers: domain !== undefined && context.servesBundles === true ? bundleReaders(domain, sight.hints.beganAtMs) : [],
    canary,
    bounds: boundsOf(context, caches, domain?.object, domain, inventory),
  };
  return { observed, inventory };
}

/** Replicas by their Leases, and this process by the issuer that it has open. */
function replicasOf({ watches, context }: RotationSight, trustDomain: string, domain: DomainState | undefined): ObservedRotation['replicas'] {
  const leases = watches.replicas(trustDomain);
  const own = { name: 'this replica', signerEpoch: domain?.issuer?.signerEpoch, leaseEndsAtMs: Infinity };
  if (leases === undefined) return [own, { name: `the Leases in namespace ${context.systemNamespace}, which are not known yet`, signerEpoch: 0, leaseEndsAtMs: Infinity }];
  return [own, ...leases];
}

/** How late consumers of a trust domain may be. */
function boundsOf(context: ControllerContext, { bundles }: RotationCaches, object: TrustDomain | undefined, domain: DomainState | undefined, inventory: Inventory): RotationBounds {
  const settings = object === undefined ? undefined : resolvedRotationSettings(object);
  const isCluster = context.cluster !== undefined;
  const longestTtlMs = Math.max(inventory.longestTtlMs, domain?.policy?.defaultTtlMs ?? 0);
  const ownBoundMs = isCluster ? (bundles?.clusterTrustBundles === undefined ? kubeletMs : trustBundleMs) : 0;
  return {
    propagationBoundMs: settings?.propagationBoundMs ?? ownBoundMs,
    consumerReloadMs: settings?.consumerReloadMs ?? longestTtlMs,
    reloadIsPromised: settings?.consumerReloadMs !== undefined,
    longestTtlMs,
    clockToleranceMs: isCluster ? clockToleranceMs : 0,
  };
}

/** The rotation of the same trust domain that was asked for before this one and has not ended. */
function rivalOf(object: CARotation, { rotations }: RotationCaches): ObservedRotation['rival'] {
  const others = [...rotations.values()].filter((other) => other.metadata.uid !== object.metadata.uid && other.spec.trustDomain === object.spec.trustDomain && !hasEnded(other));
  const [first] = others.filter((other) => isOlder(other, object)).sort((a, b) => (isOlder(a, b) ? -1 : 1));
  return first === undefined ? undefined : { name: first.metadata.name };
}
