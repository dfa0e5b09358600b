import { backdateMs } from '../../authority/index.ts';
import type { ClusterWorkloadIdentity, Condition, StoredObject, TrustDomain, WorkloadIdentity } from '../../resources/index.ts';
import { rotationRow, standstill, type RotationRow } from './rotation-row.ts';
import type { Sight } from './sight.ts';
import { isTrue, trustDomainRow, type TrustDomainRow } from './trust-domain-row.ts';
import { warningRows } from './warning-rows.ts';

/** What `mtlsd status` and the live table show. Times are RFC 3339. */
export interface Overview {
  readonly trustDomains: readonly TrustDomainRow[];
  /** Rotations of authorities, those under way first. */
  readonly rotations: readonly RotationRow[];
  readonly identities: readonly IdentityRow[];
  readonly problems: readonly ProblemRow[];
  /** What is to be known and hinders nobody today; left out when there is nothing. */
  readonly warnings?: readonly ProblemRow[];
}

/** One identity. `lifeLeft` is the part of its life that is left, 0 to 1. */
export interface IdentityRow {
  readonly namespace: string;
  readonly name: string;
  readonly ready: boolean;
  readonly trustDomain: string | undefined;
  readonly spiffeId: string | undefined;
  readonly issuer: string | undefined;
  readonly notAfter: string | undefined;
  readonly renewalTime: string | undefined;
  readonly lifeLeft: number | undefined;
  readonly lifeLeftSeconds: number | undefined;
  readonly renewals: number;
  /** Whether the tokens that it asks for are in its Secret (`Delivered`), or why not; left out when it asks for none. */
  readonly tokens?: string;
}

/** One thing that is wrong: on which object (or file), why, and what to do, in one message. */
export interface ProblemRow {
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

/** Makes an overview of the objects as they are. Pure. */
export function overviewOf({ trustDomains, identities, rotations, clusterIdentities = [] }: Sight, sourceProblems: readonly ProblemRow[], nowMs: number): Overview {
  const warnings = warningRows([...trustDomains].sort(byName), [...identities].sort(byName));
  const domainRows = [...trustDomains].sort(byName).map((object) => trustDomainRow(object, identities, nowMs));
  return {
    trustDomains: domainRows,
    rotations: [...rotations].sort(byName).map(rotationRow).sort((a, b) => Number(a.ended) - Number(b.ended)),
    identities: [...identities].sort(byName).map((identity) => identityRow(identity, nowMs)),
    problems: [
      ...sourceProblems,
      ...[...trustDomains, ...clusterIdentities, ...identities].sort(byName).flatMap((object) => problemsOf(object, nowMs)),
      ...domainRows.filter(({ violations }) => violations > 0).map(violationOf),
      ...[...rotations].sort(byName).flatMap((rotation) => {
        const why = standstill(rotation);
        return why === undefined ? [] : [{ object: describe(rotation), reason: why.reason, message: why.message }];
      }),
    ],
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function violationOf({ name, violations }: TrustDomainRow): ProblemRow {
  const message = `the root of ${violations} certificate${violations === 1 ? '' : 's'} in use is missing from a bundle of ${name} that was delivered: an older record was restored, a root was given up, or a place of the bundle was left behind. Who has that bundle refuses them, until the place has the newest bundle and they are issued again`;
  return { object: `TrustDomain ${name}`, reason: 'RootMissing', message };
}

function identityRow(identity: WorkloadIdentity, nowMs: number): IdentityRow {
  const { status = {} } = identity;
  const life = lifeOf(status.notBefore, status.notAfter, nowMs);
  return {
    namespace: identity.metadata.namespace ?? '',
    name: identity.metadata.name,
    ready: isTrue(status.conditions, 'Ready') && life?.seconds !== 0,
    trustDomain: status.trustDomain,
    spiffeId: status.spiffeID,
    issuer: status.issuer,
    notAfter: status.notAfter,
    renewalTime: status.renewalTime,
    lifeLeft: life?.part,
    lifeLeftSeconds: life?.seconds,
    renewals: Math.max(0, (status.issuances ?? 0) - 1),
    ...tokensOf(status.conditions),
  };
}

function tokensOf(conditions: readonly Condition[] | undefined): { readonly tokens?: string } {
  const told = conditions?.find(({ type }) => type === 'Tokens');
  return told === undefined ? {} : { tokens: told.reason };
}

/** The time by which a certificate is dated back is no life that anybody can use. */
function lifeOf(notBefore: string | undefined, notAfter: string | undefined, nowMs: number): { readonly part: number; readonly seconds: number } | undefined {
  if (notBefore === undefined || notAfter === undefined) return undefined;
  const leftMs = Math.max(0, Date.parse(notAfter) - nowMs);
  const spanMs = Math.max(1, Date.parse(notAfter) - Date.parse(notBefore) - backdateMs);
  return { part: Math.min(1, leftMs / spanMs), seconds: Math.floor(leftMs / 1000) };
}

/** Every condition that is not as it should be, each message once. */
function problemsOf(object: TrustDomain | ClusterWorkloadIdentity | WorkloadIdentity, nowMs: number): readonly ProblemRow[] {
  const seen = new Set<string>();
  const name = describe(object);
  const rows = (object.status?.conditions ?? [])
    .filter(({ type }) => !noProblem.has(type))
    .filter((condition) => condition.status !== 'True' || warningReasons.has(condition.reason))
    .filter((condition) => !seen.has(condition.message) && seen.add(condition.message))
    .map(({ reason, message }) => ({ object: name, reason, message }));
  const overdue = object.kind === 'WorkloadIdentity' ? overdueOf(object, nowMs) : undefined;
  if (overdue !== undefined && rows.length === 0) rows.push({ object: name, ...overdue });
  return rows;
}

/** Conditions that say what is to be known: no failure of the object, whichever way they read. */
const noProblem: ReadonlySet<string> = new Set(['InUse', 'Mounted', 'RootEnding']);

/** Reasons that are told although the condition holds. */
const warningReasons: ReadonlySet<string> = new Set(['RootEnding', 'ExpiredInPod']);

/** A renewal that did not happen and that nobody reported: then nobody is there to do it. */
function overdueOf(identity: WorkloadIdentity, nowMs: number): Omit<ProblemRow, 'object'> | undefined {
  const { renewalTime, notAfter } = identity.status ?? {};
  if (renewalTime === undefined || notAfter === undefined) return undefined;
  const graceMs = (Date.parse(notAfter) - Date.parse(renewalTime)) / 4;
  if (nowMs <= Date.parse(renewalTime) + graceMs) return undefined;
  return { reason: 'RenewalOverdue', message: `it was due for renewal at ${renewalTime} and expires at ${notAfter}: is mtlsd running?` };
}

function describe(object: StoredObject): string {
  const { namespace, name } = object.metadata;
  return `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function byName(a: StoredObject, b: StoredObject): number {
  const [x, y] = [`${a.metadata.namespace ?? ''}/${a.metadata.name}`, `${b.metadata.namespace ?? ''}/${b.metadata.name}`];
  return x < y ? -1 : x > y ? 1 : 0;
}
