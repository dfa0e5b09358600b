import { activeAuthority, bundleSha256, rootBehind, type AuthorityRecord } from '../../authority/index.ts';
import { setCondition, type Condition, type TrustDomain, type TrustDomainStatus } from '../../resources/index.ts';
import type { TargetCounts } from '../bundle/targets.ts';
import { withFederated } from '../federation/federation.ts';
import type { DomainProblem } from '../domains.ts';
import type { JwtDomain } from '../jwt/domain.ts';
import { jwtStatus, withJwtReady } from '../jwt/status.ts';
import { rootEnding } from './root-ending.ts';

/** Problems under which the trust domain still issues: a warning, not an outage. */
const warnings: ReadonlySet<string> = new Set(['RootEnding']);

/** Whether a problem stops issuance. */
export function stopsIssuance(problem: DomainProblem | undefined): boolean {
  return problem !== undefined && !warnings.has(problem.reason);
}

/** What the status of a trust domain is made of. */
export interface TrustDomainStatusInputs {
  readonly object: TrustDomain;
  readonly record: AuthorityRecord | undefined;
  readonly problem: DomainProblem | undefined;
  readonly targets: TargetCounts | undefined;
  /** Live leaves that somebody may refuse; undefined before they were counted: then what status says of them stays. */
  readonly violations: number | undefined;
  /** Whether any identity belongs to it. */
  readonly inUse: boolean;
  /** Where the trust domains of others stand; undefined without any. */
  readonly federation: TrustDomainStatus['federation'];
  /** What it issues tokens with; undefined: it issues none. */
  readonly jwt?: JwtDomain | undefined;
}

/** The status of a trust domain: a projection of the record, which can be rebuilt at any time. */
export function trustDomainStatus(inputs: TrustDomainStatusInputs, nowMs: number): TrustDomainStatus {
  const { object, record, targets, violations = object.status?.violations ?? 0, federation } = inputs;
  return {
    observedGeneration: generationOf(object),
    ...projection(object, record, inputs.jwt?.takenBy),
    ...(violations === 0 ? {} : { violations }),
    ...(targets === undefined ? {} : { targets }),
    ...(federation === undefined ? {} : { federation }),
    conditions: [...conditionsOf(inputs, nowMs)],
  };
}

function conditionsOf({ object, record, problem, inUse, federation, jwt }: TrustDomainStatusInputs, nowMs: number): readonly Condition[] {
  const observedGeneration = generationOf(object);
  const ready = {
    type: 'Ready',
    status: stopsIssuance(problem) ? ('False' as const) : ('True' as const),
    reason: problem?.reason ?? 'AuthoritiesActive',
    message: problem?.message ?? 'a root and an issuing authority are active',
    observedGeneration,
  };
  const used = {
    type: 'InUse',
    status: inUse ? ('True' as const) : ('False' as const),
    reason: inUse ? 'Identities' : 'NoIdentities',
    message: inUse ? 'identities belong to this trust domain: it must not be deleted' : 'no identity belongs to this trust domain',
    observedGeneration,
  };
  const own = withRootEnding(setCondition(setCondition(object.status?.conditions, ready, nowMs), used, nowMs), record, observedGeneration, nowMs);
  return withJwtReady(withFederated(own, federation, observedGeneration, nowMs), jwt, observedGeneration, nowMs);
}

function generationOf({ metadata }: TrustDomain): number {
  return metadata.generation ?? 1;
}

/** Told once the end is near, and until another root is there; nobody needs to read that a root lives. */
function withRootEnding(conditions: readonly Condition[], record: AuthorityRecord | undefined, observedGeneration: number, nowMs: number): readonly Condition[] {
  if (record === undefined) return conditions;
  const ending = rootEnding(record, nowMs);
  if (ending.status === 'False' && !conditions.some(({ type }) => type === ending.type)) return conditions;
  return setCondition(conditions, { ...ending, observedGeneration }, nowMs);
}

/** Without a usable record the last projection stays: it says what was there, and that is what a restore needs. */
function projection(object: TrustDomain, record: AuthorityRecord | undefined, issuerTakenBy: string | undefined): Partial<TrustDomainStatus> {
  if (record === undefined) {
    const { authorities, activeIssuer, signerEpoch, bundle, jwt } = object.status ?? {};
    return {
      ...(authorities === undefined ? {} : { authorities }),
      ...(activeIssuer === undefined ? {} : { activeIssuer }),
      ...(signerEpoch === undefined ? {} : { signerEpoch }),
      ...(bundle === undefined ? {} : { bundle }),
      ...(jwt === undefined ? {} : { jwt }),
    };
  }
  return {
    authorities: record.authorities.map((authority) => ({
      keyIdentifier: authority.keyIdentifier,
      role: authority.role,
      state: authority.state,
      root: rootBehind(authority),
      ...(authority.sinceGeneration === undefined ? {} : { sinceGeneration: authority.sinceGeneration }),
      ...(authority.reserved === undefined ? {} : { reserved: Object.fromEntries(Object.entries(authority.reserved).map(([channel, ms]) => [channel, timestamp(ms)])) }),
      notBefore: timestamp(authority.certificate.notBeforeMs),
      notAfter: timestamp(authority.certificate.notAfterMs),
    })),
    activeIssuer: activeAuthority(record, 'Issuing').keyIdentifier,
    signerEpoch: record.signerEpoch,
    bundle: { generation: record.bundleGeneration, sha256: bundleSha256(record) },
    ...(record.jwt === undefined ? {} : { jwt: jwtStatus(record.jwt, object, issuerTakenBy) }),
  };
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
