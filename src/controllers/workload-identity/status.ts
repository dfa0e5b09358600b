import type { SecretMetadata } from '../../store/port.ts';
import { setCondition, type Condition, type ResolvedIdentitySpec, type WorkloadIdentity, type WorkloadIdentityStatus } from '../../resources/index.ts';
import { withPodFindings } from '../pod-warnings/conditions.ts';
import type { PodFindings } from '../pod-warnings/judge.ts';
import { tokensCondition } from '../jwt/delivery.ts';
import type { DomainState } from '../domains.ts';
import { federatedCondition } from './federated.ts';
import { formatsCondition, keystoreMissing, type FormatsInputs } from './formats-condition.ts';
import type { PasswordReading } from './keystore-password.ts';
import type { Blocker, IdentityPlan } from './plan.ts';
import type { DeliveredSvid } from './secret.ts';

/** What the status of an identity is made of. */
export interface StatusInputs {
  readonly identity: WorkloadIdentity;
  readonly plan: Pick<IdentityPlan, 'svid' | 'renewalTimeMs'>;
  /** The trust domain that was resolved, now or earlier. */
  readonly trustDomain: string | undefined;
  readonly secret: SecretMetadata | undefined;
  /** Whether nobody has written the Secret since we did. */
  readonly secretIsOurs: boolean;
  /** Whether its content is known to be in order. */
  readonly secretIsIntact: boolean;
  /** What is asked for. */
  readonly resolved: Pick<ResolvedIdentitySpec, 'der' | 'keystore' | 'tokens'>;
  /** The password of its keystore; undefined when it asks for none. */
  readonly password: PasswordReading | undefined;
  /** Trust domains that its own one federates with. */
  readonly peers: readonly string[];
  /** The trust domain, when it is there. */
  readonly domain: Pick<DomainState, 'jwt' | 'object'> | undefined;
  /** Why the current spec could not be issued or renewed. */
  readonly blocker: Blocker | undefined;
  /** What its pods tell; undefined while that is not known: what was told before stays. */
  readonly pods: PodFindings | undefined;
}

/** The status of an identity. It changes only when something that it tells changes: then alone is it written. */
export function identityStatus(inputs: StatusInputs, nowMs: number): WorkloadIdentityStatus {
  const { identity, plan, secret } = inputs;
  const observedGeneration = identity.metadata.generation ?? 1;
  const formats = areUnknown(inputs) ? undefined : formatsCondition(formatsOf(inputs));
  const federated = areUnknown(inputs) ? undefined : federatedCondition(inputs);
  const tokens = areUnknown(inputs) ? undefined : tokensCondition(secret, inputs.resolved.tokens, inputs.domain, nowMs);
  // What is no longer asked for is no longer told.
  const told = [['Formats', formats], ['Federated', federated], ['Tokens', tokens]] as const;
  const gone = told.filter(([, condition]) => condition === undefined && !areUnknown(inputs)).map(([type]): string => type);
  let conditions: readonly Condition[] = (identity.status?.conditions ?? []).filter(({ type }) => !gone.includes(type));
  for (const condition of [issued(inputs), ready(inputs, nowMs), formats, federated, tokens]) {
    if (condition !== undefined) conditions = setCondition(conditions, { ...condition, observedGeneration }, nowMs);
  }
  conditions = withPodFindings(conditions, inputs.pods, observedGeneration, nowMs);
  return {
    observedGeneration,
    ...(inputs.trustDomain === undefined ? {} : { trustDomain: inputs.trustDomain }),
    ...(areUnknown(inputs) ? saidBefore(identity.status) : plan.svid === undefined || secret === undefined ? {} : delivered(plan.svid, plan.renewalTimeMs, { name: secret.metadata.name, resourceVersion: versionWritten(inputs, plan.svid, secret) })),
    ...reloadsSaid(identity.status),
    conditions: [...conditions],
  };
}

/** What the reconciler of reloads wrote: it alone changes it. */
function reloadsSaid({ reload }: WorkloadIdentityStatus = {}): Pick<WorkloadIdentityStatus, 'reload'> {
  return reload === undefined ? {} : { reload };
}

function formatsOf({ resolved, password, plan, secret }: StatusInputs): FormatsInputs {
  return { wanted: resolved, password, svid: plan.svid, secret };
}

/** Whether nothing is known of the Secrets of the identity's namespace. */
function areUnknown({ blocker }: StatusInputs): boolean {
  return blocker?.reason === 'SecretsOutOfReach';
}

/** What status said of the Secret: it stays while nobody can see whether it still holds. */
function saidBefore(status: WorkloadIdentityStatus = {}): Partial<WorkloadIdentityStatus> {
  const { observedGeneration: _generation, trustDomain: _trustDomain, conditions: _conditions, ...saidOfSecret } = status;
  return saidOfSecret;
}

/**
 * The version that we wrote last: somebody else's write to labels must not become a write of ours, each time (L3). Undefined while
 * that is not known: what nobody has looked at must not pass for ours after a restart.
 */
function versionWritten({ identity, secretIsOurs, secretIsIntact }: StatusInputs, svid: DeliveredSvid, secret: SecretMetadata): string | undefined {
  const { status } = identity;
  const known = status?.secret?.name === secret.metadata.name && status.serialNumber === svid.serialNumber ? status.secret.resourceVersion : undefined;
  if (!secretIsOurs && known !== undefined) return known;
  return secretIsIntact ? secret.metadata.resourceVersion : undefined;
}

function delivered(svid: DeliveredSvid, renewalTimeMs: number | undefined, { name, resourceVersion }: { readonly name: string; readonly resourceVersion: string | undefined }): Partial<WorkloadIdentityStatus> {
  return {
    spiffeID: svid.spiffeId,
    serialNumber: svid.serialNumber,
    notBefore: timestamp(svid.notBeforeMs),
    notAfter: timestamp(svid.notAfterMs),
    ...(renewalTimeMs === undefined ? {} : { renewalTime: timestamp(renewalTimeMs) }),
    issuer: svid.issuer,
    bundleGeneration: svid.bundleGeneration,
    secret: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    issuances: svid.issuances,
  };
}

function told({ reason, message }: Blocker): Pick<Condition, 'reason' | 'message'> {
  return { reason, message };
}

type NewCondition = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

/** Issued: whether the current spec has been issued, or what stands in the way. */
function issued({ blocker, plan }: StatusInputs): NewCondition {
  if (blocker !== undefined) return { type: 'Issued', status: 'False', ...told(blocker) };
  if (plan.svid === undefined) return { type: 'Issued', status: 'False', reason: 'Pending', message: 'not issued yet' };
  return { type: 'Issued', status: 'True', reason: 'Issued', message: `issued by authority ${plan.svid.issuer}` };
}

/** Reasons under which the pair in place is not the one that the spec asks for, although it may still be valid. */
const unready: ReadonlySet<string> = new Set(['Denied', 'Conflict', 'SecretNotOurs', 'TrustDomainMissing', 'TrustDomainAmbiguous', 'ForeignChanges', 'NamespaceNotAllowed']);

/** Ready: whether a valid pair of the current spec is in place. A failing renewal leaves it True until the pair ends (L12). */
function ready(inputs: StatusInputs, nowMs: number): NewCondition {
  const { blocker, plan, secret } = inputs;
  if (blocker !== undefined && areUnknown(inputs)) return { type: 'Ready', status: 'Unknown', ...told(blocker) };
  const because = blocker !== undefined ? told(blocker) : { reason: 'Pending', message: 'not issued yet' };
  if (plan.svid === undefined || secret === undefined) return { type: 'Ready', status: 'False', ...because };
  if (plan.svid.notAfterMs <= nowMs) {
    const why = blocker === undefined ? '' : `: ${blocker.message}`;
    return { type: 'Ready', status: 'False', reason: 'Expired', message: `the certificate expired at ${timestamp(plan.svid.notAfterMs)}${why}` };
  }
  if (blocker !== undefined && unready.has(blocker.reason)) return { type: 'Ready', status: 'False', ...told(blocker) };
  const missing = keystoreMissing(formatsOf(inputs));
  if (missing !== undefined) return { type: 'Ready', status: 'False', ...missing };
  return { type: 'Ready', status: 'True', reason: 'Delivered', message: `key, certificate and bundle are in Secret ${secret.metadata.name}` };
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
function timestamp(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
