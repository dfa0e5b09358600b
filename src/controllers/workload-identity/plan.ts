import { backdateMs } from '../../authority/index.ts';
import { decide, type Denial, type Grant } from '../../issuance/index.ts';
import { isRotatedAway } from '../../rotation/ca/index.ts';
import { renewalTimeMs } from '../../rotation/index.ts';
import { type ResolvedIdentitySpec, type WorkloadIdentity } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import type { DomainState } from '../domains.ts';
import type { FederatedFile } from '../federation/federation.ts';
import { tokensDueAtMs, tokensEndMs, tokensReason, type TokensQuestion } from '../jwt/delivery.ts';
import { federatedIsCurrent } from './federated.ts';
import { formatsReason } from './formats.ts';
import type { PasswordReading } from './keystore-password.ts';
import type { Resolution } from './resolve.ts';
import { deliveredSvid, metadataIsCurrent, ownerOf, profileOf, type DeliveredSvid } from './secret.ts';

/** What is known of a Secret's content, which no watch carries. */
export type Verdict =
  /** `ours`: nobody has written it since we did. `latest`: it holds the pair that we wrote last, as far as is known. */
  | { readonly kind: 'intact'; readonly ours: boolean; readonly latest: boolean }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'changed'; readonly what: string };

/** What the plan for one identity depends on. */
export interface ObservedIdentity {
  readonly identity: WorkloadIdentity;
  readonly resolved: ResolvedIdentitySpec;
  readonly domain: Resolution;
  /** The Secret of the wanted name, when it is one of ours (made for this or another identity). */
  readonly secret: SecretMetadata | undefined;
  readonly verdict: Verdict;
  /** Why the Secrets of its namespace are not known, if they are not. */
  readonly secretsUnknown: string | undefined;
  /** Whether the namespace is being deleted. */
  readonly namespaceLeaving: boolean;
  /** The roots of other trust domains that it gets. */
  readonly federated: readonly FederatedFile[];
  /** The password of its keystore; undefined when it asks for none. */
  readonly password: PasswordReading | undefined;
  /** A version of the password's source that was found to hold the password that the delivered keystores open with. */
  readonly sameAsVersion: string | undefined;
  /** Whether the trust domain takes identities of this namespace. */
  readonly namespaceAllowed: boolean;
  /** Whether the service account that the identity is for does not exist. */
  readonly serviceAccountMissing: boolean;
  /** Other Secrets that were made for this identity: of an earlier name. */
  readonly leftovers: readonly SecretMetadata[];
  /** The identity that has the better claim to the Secret's name, if it is not this one. */
  readonly rival: string | undefined;
  /** A Secret of that name that we did not write, or that lost our marks: never touched. */
  readonly foreignSecret: boolean;
  /** Whether a rotation lets it have its certificate of the new authority now. */
  readonly mayReissue: boolean;
  /** Whether another repair of a foreign change is within bounds, and when the next one is. */
  readonly repair: { readonly allowed: boolean; readonly nextAtMs: number };
}

/** The next thing to do for an identity. */
export type Step =
  | { readonly do: 'inspect'; readonly secret: SecretMetadata }
  | { readonly do: 'issue'; readonly why: IssueReason; readonly bounded: boolean; readonly grant: Grant; readonly profile: string; readonly domain: ReadyDomain; readonly over: SecretMetadata | undefined }
  | { readonly do: 'rewrite'; readonly why: string; readonly bounded: boolean; readonly domain: ReadyDomain; readonly secret: SecretMetadata; readonly profile: string }
  | { readonly do: 'delete'; readonly secret: SecretMetadata; readonly why: string };

/** Why a pair is issued. A step that is `bounded` counts against the bound on repairs. */
export type IssueReason = 'first' | 'renewal' | 'changed' | 'issuer-gone' | 'issuer-retiring' | 'from-the-future' | 'taken-over' | 'repair' | 'deleted';

/** A trust domain that can issue. */
export interface ReadyDomain {
  readonly name: string;
  readonly issuer: NonNullable<DomainState['issuer']>;
  readonly bundle: NonNullable<DomainState['bundle']>;
  readonly record: NonNullable<DomainState['record']>;
}

/** Why the current spec is not issued; undefined when it is. */
export interface Blocker {
  readonly reason: string;
  /** For the owner of the object: may quote what the object says. */
  readonly message: string;
  /** For logs and audit, where `message` quotes what a user wrote (L26). */
  readonly summary?: string;
}

/** The plan: at most one step (observe again after it), or rest until a time, with what stands in the way. */
export interface IdentityPlan {
  readonly step: Step | undefined;
  readonly blocker: Blocker | undefined;
  readonly svid: DeliveredSvid | undefined;
  readonly renewalTimeMs: number | undefined;
  readonly nextAtMs: number | undefined;
}

/** Decides what to do for one identity. Pure: the same observation and time give the same plan. */
export function planIdentity(observed: ObservedIdentity, nowMs: number): IdentityPlan {
  const mine = ownSecret(observed);
  const svid = mine === undefined ? undefined : deliveredSvid(mine);
  const rest = { svid, renewalTimeMs: svid === undefined ? undefined : renewalOf(observed, svid) };
  const blocked = (blocker: Blocker, nextAtMs?: number): IdentityPlan => ({ ...rest, step: undefined, blocker, nextAtMs: earliest(nextAtMs, expiryOf(svid, nowMs), tokensEndMs(mine, nowMs)) });

  const obstacle = obstacleTo(observed);
  if (obstacle !== undefined) return blocked(obstacle);
  const ready = readyDomain(observed.domain);
  if ('reason' in ready) return blocked(ready);
  const policy = observed.domain.kind === 'resolved' ? observed.domain.state.policy : undefined;
  if (policy === undefined) throw new Error('invariant broken: a ready trust domain has a policy');
  const { namespace = '' } = observed.identity.metadata;
  const decision = decide({ namespace, ...observed.resolved }, policy);
  if (!decision.granted) return blocked(deniedBlocker(decision.denials, svid));
  // Last: it is found out only by what would be issued, and a restart must not say otherwise than the process before it.
  if (observed.foreignSecret) return blocked(foreignBlocker(observed), nowMs + 60_000);

  const step = nextStep(observed, ready, decision.grant, mine, svid, nowMs);
  if (step === 'repair-later') return blocked(changedBlocker(observed), observed.repair.nextAtMs);
  return { ...rest, step, blocker: undefined, nextAtMs: step === undefined ? earliest(rest.renewalTimeMs, passwordLookMs(observed, nowMs), tokensDueAtMs(mine, tokensQuestion(observed))) : undefined };
}

function nextStep(observed: ObservedIdentity, domain: ReadyDomain, grant: Grant, mine: SecretMetadata | undefined, svid: DeliveredSvid | undefined, nowMs: number): Step | undefined | 'repair-later' {
  const profile = profileOf(grant, observed.resolved);
  const { secret, verdict, repair } = observed;
  if (secret !== undefined && mine !== undefined && verdict.kind === 'unknown') return { do: 'inspect', secret };

  const why = issueReason(observed, domain, profile, mine, svid, nowMs);
  if (why !== undefined) {
    const bounded = isRepair(observed, why);
    return bounded && !repair.allowed ? 'repair-later' : { do: 'issue', why, bounded, grant, profile, domain, over: secret };
  }
  const rewrite = secret === undefined ? undefined : rewriteReason(observed, domain, secret, svid, nowMs);
  if (secret !== undefined && rewrite !== undefined) {
    const bounded = isDisturbed(observed) && !isTokenRenewal(observed, rewrite);
    return bounded && !repair.allowed ? 'repair-later' : { do: 'rewrite', why: rewrite, bounded, domain, secret, profile };
  }
  const [leftover] = observed.leftovers;
  return leftover === undefined ? undefined : { do: 'delete', secret: leftover, why: `the Secret is now named ${observed.resolved.secretName}` };
}

/** Why a new pair is needed, or undefined when the one in place will do. */
function issueReason(observed: ObservedIdentity, domain: ReadyDomain, profile: string, mine: SecretMetadata | undefined, svid: DeliveredSvid | undefined, nowMs: number): IssueReason | undefined {
  const { identity, resolved, secret, verdict } = observed;
  if (secret === undefined) {
    // It was there before: somebody deleted it.
    const deleted = identity.status?.secret?.name === resolved.secretName && identity.status.serialNumber !== undefined;
    return deleted ? 'deleted' : 'first';
  }
  if (mine === undefined) return 'taken-over';
  if (verdict.kind === 'changed' || svid === undefined) return 'repair';
  // The profile holds the SPIFFE ID, the names, the life and the kind of key.
  if (svid.profile !== profile) return 'changed';
  if (!domain.record.authorities.some((authority) => authority.keyIdentifier === svid.issuer)) return 'issuer-gone';
  // Made while the clock was ahead: consumers refuse it until then (L13).
  if (nowMs < svid.notBeforeMs) return 'from-the-future';
  if (nowMs >= renewalOf(observed, svid)) return 'renewal';
  return observed.mayReissue && isRotatedAway(svid.issuer, domain.record) ? 'issuer-retiring' : undefined;
}

/** As with a certificate, whose renewal answers no foreign change: see `isRepair`. */
function isTokenRenewal({ verdict }: ObservedIdentity, why: string): boolean {
  return why === 'the tokens are renewed' && verdict.kind === 'intact' && verdict.latest;
}

/** Whether somebody else wrote the Secret after us, although its content is in order. */
function isDisturbed({ verdict }: ObservedIdentity): boolean {
  return verdict.kind === 'intact' && !verdict.ours;
}

/**
 * Whether issuing answers a foreign change, and so counts against the bound on repairs (L3). Whatever is found after a
 * foreign write may have come with it: an annotation that was edited, an old Secret that was put back. Only the renewal of
 * the very pair that was issued last is above suspicion.
 */
function isRepair(observed: ObservedIdentity, why: IssueReason): boolean {
  const { identity, resolved, verdict } = observed;
  switch (why) {
    case 'first':
      return false;
    case 'repair':
    case 'deleted':
      return true;
    case 'taken-over':
      return identity.status?.secret?.name === resolved.secretName;
    case 'renewal':
    case 'issuer-retiring':
      return isDisturbed(observed) && !(verdict.kind === 'intact' && verdict.latest);
    case 'changed':
    case 'issuer-gone':
    case 'from-the-future':
      return isDisturbed(observed);
  }
}

/** Why the same pair has to be written again, or undefined. */
function rewriteReason(observed: ObservedIdentity, domain: ReadyDomain, secret: SecretMetadata, svid: DeliveredSvid | undefined, nowMs: number): string | undefined {
  if (svid?.bundleGeneration !== domain.bundle.generation) return 'the trust bundle changed';
  if (!metadataIsCurrent(secret, observed.identity, observed.resolved, domain.name)) return 'the Secret template changed';
  if (!federatedIsCurrent(secret, observed.federated)) return 'the roots of other trust domains changed';
  return formatsReason(secret, { ...observed, serialNumber: svid.serialNumber, bundleGeneration: domain.bundle.generation }) ?? tokensReason(secret, tokensQuestion(observed), nowMs);
}

/** What decides about the tokens of an identity. */
export function tokensQuestion({ identity, resolved, domain }: ObservedIdentity): TokensQuestion {
  return { identity, resolved, state: domain.kind === 'resolved' ? domain.state : { jwt: undefined, policy: undefined, record: undefined } };
}

/** When the password of a keystore is looked at again. */
function passwordLookMs({ password }: ObservedIdentity, nowMs: number): number | undefined {
  return password === undefined ? undefined : nowMs + password.lookAgainMs;
}

function ownSecret(observed: ObservedIdentity): SecretMetadata | undefined {
  const { secret, identity } = observed;
  return secret !== undefined && ownerOf(secret) === identity.metadata.name ? secret : undefined;
}

function readyDomain(domain: Resolution): ReadyDomain | Blocker {
  if (domain.kind === 'unresolved') return { reason: domain.reason, message: domain.message };
  const { issuer, bundle, record, problem } = domain.state;
  if (problem !== undefined) return { reason: problem.reason, message: `trust domain ${domain.name}: ${problem.message}` };
  if (issuer === undefined || bundle === undefined || record === undefined) {
    return { reason: 'TrustDomainPending', message: `trust domain ${domain.name} has no active authority yet` };
  }
  return { name: domain.name, issuer, bundle, record };
}

/**
 * A leaf is dated back by less than usual only below an authority that a replica with a faster clock has made a moment before:
 * then it is renewed later by that difference, which is small beside the tenth of life that renewals are spread by.
 */
function renewalOf(observed: ObservedIdentity, svid: DeliveredSvid): number {
  return renewalTimeMs({ issuedAtMs: svid.notBeforeMs + backdateMs, notAfterMs: svid.notAfterMs }, observed.identity.metadata.uid);
}

/** A reminder at expiry, so that the condition turns when the pair does; later ones in case the clock was wrong about it. */
function expiryOf(svid: DeliveredSvid | undefined, nowMs: number): number | undefined {
  if (svid === undefined) return undefined;
  return svid.notAfterMs > nowMs ? svid.notAfterMs : nowMs + 3_600_000;
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** What around the identity stands in its way, whatever its trust domain says. */
function obstacleTo(observed: ObservedIdentity): Blocker | undefined {
  if (observed.secretsUnknown !== undefined) return unknownBlocker(observed, observed.secretsUnknown);
  if (observed.namespaceLeaving) return leavingBlocker(observed);
  if (observed.rival !== undefined) return rivalBlocker(observed);
  if (!observed.namespaceAllowed) return namespaceBlocker(observed);
  return observed.serviceAccountMissing ? serviceAccountBlocker(observed) : undefined;
}

function unknownBlocker(observed: ObservedIdentity, why: string): Blocker {
  const { namespace = '' } = observed.identity.metadata;
  return { reason: 'SecretsOutOfReach', message: `nothing is issued into namespace ${namespace}, because mtlsd cannot see its Secrets: ${why}` };
}

function leavingBlocker(observed: ObservedIdentity): Blocker {
  const { namespace = '' } = observed.identity.metadata;
  return { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being deleted: nothing is issued into it` };
}

function rivalBlocker(observed: ObservedIdentity): Blocker {
  return { reason: 'Conflict', message: `Secret ${observed.resolved.secretName} belongs to the older WorkloadIdentity ${observed.rival}: set spec.secretName to another name` };
}

function namespaceBlocker(observed: ObservedIdentity): Blocker {
  const { namespace = '' } = observed.identity.metadata;
  return {
    reason: 'NamespaceNotAllowed',
    message: `trust domain ${observed.domain.name ?? ''} takes no identities of namespace ${namespace}: set spec.trustDomain to another one, or have spec.allowedNamespaces of the TrustDomain select this namespace`,
  };
}

function serviceAccountBlocker(observed: ObservedIdentity): Blocker {
  const { namespace = '' } = observed.identity.metadata;
  const name = `${namespace}/${observed.resolved.serviceAccountName}`;
  return { reason: 'ServiceAccountMissing', message: `ServiceAccount ${name} does not exist: create it, or set spec.serviceAccountName to one of this namespace` };
}

function foreignBlocker(observed: ObservedIdentity): Blocker {
  return {
    reason: 'SecretNotOurs',
    message: `Secret ${observed.resolved.secretName} exists and was not made by mtlsd: it is left alone; delete it, or set spec.secretName to another name`,
  };
}

function deniedBlocker(denials: readonly Denial[], svid: DeliveredSvid | undefined): Blocker {
  const reasons = denials.map((denial) => `${denial.field}: ${denial.message}`).join('; ');
  const served = svid === undefined ? '' : ' (the pair issued before stays until it expires)';
  const fields = [...new Set(denials.map((denial) => denial.field))].join(', ');
  return { reason: 'Denied', message: `${reasons}${served}`, summary: `the policy of the trust domain denies ${fields}; the conditions of the object say why` };
}

function changedBlocker(observed: ObservedIdentity): Blocker {
  const { secret, verdict } = observed;
  const what = secret === undefined ? 'it was deleted' : verdict.kind === 'changed' ? verdict.what : 'its labels or annotations were changed, or an older one was put back';
  return {
    reason: 'ForeignChanges',
    message: `Secret ${observed.resolved.secretName} keeps being changed by somebody else (${what}): find out who writes it; the next repair follows when the bound on repairs allows`,
  };
}
