import type { Condition, TrustDomain, WorkloadIdentity } from '../../resources/index.ts';
import { countViolations, trustInStatus } from '../../rotation/index.ts';

/** One trust domain, as people are shown it. Times are RFC 3339. */
export interface TrustDomainRow {
  readonly name: string;
  readonly ready: boolean;
  readonly signerEpoch: number | undefined;
  readonly bundleGeneration: number | undefined;
  readonly bundleSha256: string | undefined;
  readonly authorities: readonly AuthorityRow[];
  /** What is delivered: how many identities carry which generation of the bundle, the newest first. */
  readonly bundles: readonly { readonly generation: number; readonly identities: number }[];
  /** Places that do not carry the newest bundle: identities, and targets of the bundle beside them. */
  readonly notOnNewest: number;
  /** How far the targets beside identities (ConfigMaps, ClusterTrustBundles) have come; undefined where there are none. */
  readonly targets: { readonly written: number; readonly stale: number; readonly failing: readonly string[] } | undefined;
  /** The trust domains of others that it federates with; left out when there are none. */
  readonly federation?: readonly FederationRow[];
  /** What its JWT-SVIDs are signed with; left out where none are issued and no key is published. */
  readonly jwt?: JwtRow;
  /** Live certificates whose root is missing from a bundle that was delivered: 0 unless something is very wrong. */
  readonly violations: number;
}

/** The keys of a trust domain for JWT-SVIDs. Times are RFC 3339. */
export interface JwtRow {
  /** `iss` of its tokens; undefined: they have none, or none are issued. */
  readonly issuer: string | undefined;
  /** Why no token is signed now; undefined while one is. */
  readonly reason: string | undefined;
  /** When the next key signs, as far as it is known. */
  readonly turnsOverAt: string | undefined;
  /** Everything that is published. */
  readonly keys: readonly { readonly keyIdentifier: string; readonly algorithm: string; readonly state: string }[];
}

/** A trust domain of others as one of ours knows it. */
export interface FederationRow {
  readonly trustDomain: string;
  /** Of the bundle that is in use; undefined while there is none. */
  readonly sequence: string | undefined;
  readonly roots: number | undefined;
  readonly fetchedAt: string | undefined;
  /** Why the last fetch did not succeed; undefined when it did. */
  readonly reason: string | undefined;
}

/** One authority, with how many identities have a certificate of it that lives. */
export interface AuthorityRow {
  readonly keyIdentifier: string;
  readonly role: string;
  readonly state: string;
  readonly notAfter: string;
  /** The part of its life that is left, 0 to 1. */
  readonly lifeLeft: number;
  readonly lifeLeftSeconds: number;
  readonly liveLeaves: number;
}

/** A trust domain with what its identities have of it. Pure. */
export function trustDomainRow(object: TrustDomain, identities: readonly WorkloadIdentity[], nowMs: number): TrustDomainRow {
  const { status } = object;
  const own = identities.filter((identity) => identity.status?.trustDomain === object.metadata.name && identity.status.bundleGeneration !== undefined);
  const live = own.filter((identity) => Date.parse(identity.status?.notAfter ?? '') > nowMs);
  const byIssuer = countBy(live, (identity) => identity.status?.issuer ?? '');
  const trust = trustInStatus(status);
  const generation = status?.bundle?.generation;
  const generations = countBy(own, (identity) => identity.status?.bundleGeneration ?? 0);
  const targets = targetCounts(status);
  return {
    name: object.metadata.name,
    ready: isTrue(status?.conditions, 'Ready'),
    signerEpoch: status?.signerEpoch,
    bundleGeneration: generation,
    bundleSha256: status?.bundle?.sha256,
    authorities: authorityRows(status, byIssuer, nowMs),
    bundles: [...generations].sort(([a], [b]) => b - a).map(([each, count]) => ({ generation: each, identities: count })),
    notOnNewest: own.filter((identity) => identity.status?.bundleGeneration !== generation).length + (targets === undefined ? 0 : targets.stale + targets.failing.length),
    targets,
    ...(status?.federation === undefined ? {} : { federation: status.federation.map(federationRow) }),
    ...jwtOf(status),
    // What the reconcilers counted has every place in it; what identities say is there when no reconciler is.
    violations: Math.max(status?.violations ?? 0, trust === undefined ? 0 : countViolations(trust, generations.keys(), live.map(leafOf), nowMs)),
  };
}

function federationRow({ trustDomain, sequence, roots, fetchedAt, reason }: NonNullable<NonNullable<TrustDomain['status']>['federation']>[number]): FederationRow {
  return { trustDomain, sequence, roots, fetchedAt, reason };
}

function jwtOf(status: TrustDomain['status']): { readonly jwt?: JwtRow } {
  const ready = status?.conditions?.find(({ type }) => type === 'JWTReady');
  const keys = status?.jwt?.keys ?? [];
  if (ready === undefined && keys.length === 0) return {};
  const reason = ready === undefined ? 'JWTOff' : ready.status === 'True' ? undefined : ready.reason;
  return { jwt: { issuer: status?.jwt?.issuer, reason, turnsOverAt: status?.jwt?.turnsOverAt, keys: keys.map(({ keyIdentifier, algorithm, state }) => ({ keyIdentifier, algorithm, state })) } };
}

function leafOf({ status }: WorkloadIdentity): { readonly issuer: string; readonly notAfterMs: number } {
  return { issuer: status?.issuer ?? '', notAfterMs: Date.parse(status?.notAfter ?? '') };
}

function authorityRows(status: TrustDomain['status'], liveByIssuer: ReadonlyMap<string, number>, nowMs: number): TrustDomainRow['authorities'] {
  return (status?.authorities ?? []).map(({ keyIdentifier, role, state, notBefore, notAfter }) => ({
    keyIdentifier,
    role,
    state,
    notAfter,
    lifeLeft: Math.min(1, Math.max(0, (Date.parse(notAfter) - nowMs) / Math.max(1, Date.parse(notAfter) - Date.parse(notBefore)))),
    lifeLeftSeconds: Math.max(0, Math.floor((Date.parse(notAfter) - nowMs) / 1000)),
    liveLeaves: liveByIssuer.get(keyIdentifier) ?? 0,
  }));
}

function targetCounts(status: TrustDomain['status']): TrustDomainRow['targets'] {
  if (status?.targets === undefined) return undefined;
  const { written, stale, failing = [] } = status.targets;
  return { written, stale, failing };
}

/** Whether a condition holds. */
export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.find((condition) => condition.type === type)?.status === 'True';
}

function countBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
