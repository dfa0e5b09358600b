import { resolvedClusterIdentitySpec, selectorMatches, type ClusterWorkloadIdentity, type ResolvedClusterIdentitySpec } from '../../resources/index.ts';

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** A service account, as selectors see it. */
export interface AccountFacts {
  readonly namespaceLabels: Labels;
  readonly name: string;
  readonly labels: Labels;
}

/** Objects are frozen, so what their specs come to is worked out once. */
const resolvedSpecs = new WeakMap<ClusterWorkloadIdentity, ResolvedClusterIdentitySpec>();

/** A ClusterWorkloadIdentity's spec with its defaults. */
export function specOf(identity: ClusterWorkloadIdentity): ResolvedClusterIdentitySpec {
  const known = resolvedSpecs.get(identity);
  if (known !== undefined) return known;
  const resolved = resolvedClusterIdentitySpec(identity);
  resolvedSpecs.set(identity, resolved);
  return resolved;
}

/** Why the selectors leave a service account out, for people; undefined when they match it. */
export function whyLeftOut(identity: ClusterWorkloadIdentity, account: AccountFacts): string | undefined {
  const spec = specOf(identity);
  if (!selectorMatches(spec.namespaceSelector, account.namespaceLabels)) return 'its namespaceSelector does not select the namespace';
  if (spec.serviceAccountNames?.has(account.name) === false) return `its serviceAccountNames do not list ${account.name}`;
  if (!selectorMatches(spec.serviceAccountSelector, account.labels)) return `its serviceAccountSelector does not select the service account ${account.name}`;
  return undefined;
}

/** Which of two objects that match counts: the higher priority, the older, the name that comes first. Negative: `a`. */
export function byRank(a: ClusterWorkloadIdentity, b: ClusterWorkloadIdentity): number {
  const byPriority = specOf(b).priority - specOf(a).priority;
  if (byPriority !== 0) return byPriority;
  const byAge = Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp);
  if (byAge !== 0) return byAge;
  return a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0;
}

/** Objects that match a service account, the one that counts first. */
export function matching(identities: Iterable<ClusterWorkloadIdentity>, account: AccountFacts): readonly ClusterWorkloadIdentity[] {
  return [...identities].filter((identity) => identity.metadata.deletionTimestamp === undefined && whyLeftOut(identity, account) === undefined).sort(byRank);
}
