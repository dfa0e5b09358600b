import { backdateMs } from '../../authority/index.ts';
import { annotations, type ConfigMap, type StoredObject, type WorkloadIdentity } from '../../resources/index.ts';
import type { LeafView, TargetView } from '../../rotation/ca/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import { clusterTrustBundleName, configMapName } from '../bundle/target.ts';
import type { BundleTargets } from '../bundle/targets.ts';
import { trustDomainNameOf } from '../workload-identity/resolve.ts';
import { deliveredSvid, ownerOf, type DeliveredSvid } from '../workload-identity/secret.ts';
import type { RotationCaches } from './caches.ts';

/** A leaf with the identity, `namespace/name`, that its Secret was written for and that still claims it. */
export interface LeafInSecret extends LeafView {
  readonly identity: string | undefined;
}

/** Where the bundle of a trust domain is, and which leaves are out: by metadata alone. It grows with live identities only. */
export interface Inventory {
  readonly targets: readonly TargetView[];
  readonly leaves: readonly LeafInSecret[];
  /** The longest life of a leaf in it, milliseconds. */
  readonly longestTtlMs: number;
}

/** Takes the inventory of a trust domain from the caches. */
export function takeInventory(trustDomain: string, caches: RotationCaches, behind: BundleTargets, nowMs: number): Inventory {
  const secrets = [...secretsOf(trustDomain, caches, nowMs), ...unseenSecrets(trustDomain, caches)];
  return {
    targets: [...secrets.map(({ target }) => target), ...bundleTargets(trustDomain, caches, behind)],
    leaves: secrets.map(({ leaf }) => leaf),
    // Not as arguments of one call: a hundred thousand of those are too many.
    longestTtlMs: secrets.reduce((longest, { leaf, ttlMs }) => (leaf.notAfterMs > nowMs ? Math.max(longest, ttlMs) : longest), 0),
  };
}

interface SecretView {
  readonly target: TargetView;
  readonly leaf: LeafInSecret;
  readonly ttlMs: number;
}

function* secretsOf(trustDomain: string, { secrets, identities }: RotationCaches, nowMs: number): Generator<SecretView> {
  for (const secret of secrets.byIndex('trustDomain', trustDomain)) {
    const owner = ownerOf(secret);
    const svid = owner === undefined ? undefined : deliveredSvid(secret);
    if (owner === undefined || svid === undefined) continue;
    const identity = identities.get(secret.metadata.namespace, owner);
    // What was kept and has ended vouches for nobody and is read by nobody that could prove who it is.
    if (identity === undefined && svid.notAfterMs <= nowMs) continue;
    yield view(secret, svid, identity, problemOf(identity));
  }
}

function view({ metadata }: Pick<SecretMetadata, 'metadata'>, svid: Pick<DeliveredSvid, 'issuer' | 'notAfterMs' | 'bundleGeneration' | 'notBeforeMs'>, identity: WorkloadIdentity | undefined, problem: string | undefined): SecretView {
  const name = { kind: 'Secret' as const, namespace: metadata.namespace, name: metadata.name };
  return {
    target: { ...name, generation: svid.bundleGeneration, problem },
    leaf: { ...name, issuer: svid.issuer, notAfterMs: svid.notAfterMs, problem, identity: identity === undefined ? undefined : `${identity.metadata.namespace ?? ''}/${identity.metadata.name}` },
    ttlMs: svid.notAfterMs - svid.notBeforeMs - backdateMs,
  };
}

/** Why nobody writes this Secret, so that whoever waits for it knows what to do. */
function problemOf(identity: WorkloadIdentity | undefined): string | undefined {
  if (identity === undefined) return 'it was kept when its identity was deleted, and nobody writes it any more: delete it, or exempt it';
  const issued = identity.status?.conditions?.find(({ type }) => type === 'Issued');
  return issued?.status === 'False' && issued.reason !== 'Pending' ? `it cannot be written (${issued.reason}): see WorkloadIdentity ${identity.metadata.name}`.slice(0, 500) : undefined;
}

/** Secrets that mtlsd cannot see: what status last said of them counts, and that they are out of reach. */
function* unseenSecrets(trustDomain: string, { secrets, identities }: RotationCaches): Generator<SecretView> {
  for (const identity of identities.byIndex('trustDomain', trustDomain)) {
    const { namespace = '' } = identity.metadata;
    const { secret, issuer, notAfter, notBefore, bundleGeneration } = identity.status ?? {};
    const why = secret === undefined ? undefined : secrets.whyUnknown(namespace);
    if (why === undefined || secret === undefined || issuer === undefined) continue;
    const metadata = { namespace, name: secret.name } as SecretMetadata['metadata'];
    const svid = { issuer, bundleGeneration: bundleGeneration ?? 0, notAfterMs: Date.parse(notAfter ?? ''), notBeforeMs: Date.parse(notBefore ?? '') };
    if (trustDomainNameOf(identity) === trustDomain) yield view({ metadata }, svid, identity, `mtlsd cannot see it: ${why}`);
  }
}

function* bundleTargets(trustDomain: string, { bundles }: RotationCaches, behind: BundleTargets): Generator<TargetView> {
  const failing = new Map(behind.behind(trustDomain).map(({ target, why }) => [target.namespace, why]));
  for (const [namespace, object] of copiesOf(trustDomain, bundles)) {
    const problem = failing.get(namespace);
    failing.delete(namespace);
    yield { ...nameOf(namespace, trustDomain), generation: generationOf(object), problem };
  }
  // What is not there at all, or is somebody else's, carries nothing.
  for (const [namespace, why] of failing) yield { ...nameOf(namespace, trustDomain), generation: 0, problem: why };
}

function* copiesOf(trustDomain: string, bundles: RotationCaches['bundles']): Generator<readonly [string, StoredObject]> {
  for (const namespace of bundles?.namespaces.values() ?? []) {
    const copy = bundles?.configMaps?.get(namespace.metadata.name, configMapName(trustDomain));
    if (copy !== undefined) yield [namespace.metadata.name, copy];
  }
  const trustBundle = bundles?.clusterTrustBundles?.get(undefined, clusterTrustBundleName(trustDomain));
  if (trustBundle !== undefined) yield ['', trustBundle];
}

function nameOf(namespace: string, trustDomain: string): Pick<TargetView, 'kind' | 'namespace' | 'name'> {
  return namespace === '' ? { kind: 'ClusterTrustBundle', name: clusterTrustBundleName(trustDomain) } : { kind: 'ConfigMap', namespace, name: configMapName(trustDomain) };
}

function generationOf({ metadata }: StoredObject | ConfigMap): number {
  const generation = Number(metadata.annotations?.[annotations.bundleGeneration] ?? 0);
  return Number.isSafeInteger(generation) ? generation : 0;
}

/**
 * When the last leaf of each issuer ends that was ever seen in a Secret, also of Secrets that are gone or hold another leaf
 * by now: their pods may still use it.
 */
export class LeafHorizon {
  readonly #latest = new Map<string, number>();

  constructor(secrets: RotationCaches['secrets']) {
    secrets.onChange((before, after) => {
      for (const secret of [before, after]) if (secret !== undefined) this.#note(secret);
    });
  }

  /** Milliseconds since the epoch; 0 when none was seen. */
  latestMs(issuers: ReadonlySet<string>): number {
    return Math.max(0, ...[...issuers].map((issuer) => this.#latest.get(issuer) ?? 0));
  }

  #note(secret: SecretMetadata): void {
    const svid = ownerOf(secret) === undefined ? undefined : deliveredSvid(secret);
    if (svid !== undefined) this.#latest.set(svid.issuer, Math.max(this.#latest.get(svid.issuer) ?? 0, svid.notAfterMs));
  }
}
