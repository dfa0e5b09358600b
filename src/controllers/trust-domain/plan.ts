import { activeAuthority, type AuthorityRecord } from '../../authority/index.ts';
import { catalogue } from '../../errors/index.ts';
import { planTurnover, type TurnoverLimits } from '../../rotation/index.ts';
import type { DomainProblem } from '../domains.ts';
import { isOlder, olderRecord, type Delivered } from './older-record.ts';
import type { RecordState } from './record-store.ts';

/**
 * Annotation by which an operator gives the roots of a trust domain up and asks for a new one: the key identifier of the
 * root that ended or whose record is gone, or `lost` when nobody knows it any more. It says which root it was written for,
 * so that it cannot fire twice when it is left in place.
 */
export const newRootAnnotation = 'mtlsd.io/new-root';

/** How long until a record that cannot be used is read again. */
const lookAgainMs = 60_000;

/** What the plan for a trust domain depends on. */
export interface ObservedTrustDomain {
  readonly name: string;
  readonly record: RecordState;
  /** Whether anything exists that an earlier record must have made: certificates, a bundle, a status. */
  readonly traces: readonly string[];
  /** The key identifier of the root that status names as active, if it does. */
  readonly lastRoot: string | undefined;
  /** The value of `newRootAnnotation`, if any. */
  readonly newRoot: string | undefined;
  readonly delivered: Delivered;
  /** The value of `acceptRecordAnnotation`, if any. */
  readonly acceptRecord: string | undefined;
  readonly limits: TurnoverLimits;
  /** Where the record is kept, for messages. */
  readonly recordLocation: string;
}

/** What happens to the authorities of a trust domain next. */
export type TrustDomainPlan =
  | { readonly action: 'none'; readonly nextAtMs?: number; readonly problem?: DomainProblem }
  | { readonly action: 'create' }
  | { readonly action: 'replace'; readonly why: string }
  | { readonly action: 'accept' }
  | { readonly action: 'turn-over'; readonly why: string }
  | { readonly action: 'drop'; readonly keyIdentifiers: ReadonlySet<string> };

/** Decides what to do about the authorities of one trust domain. Pure. A root is never made anew in silence. */
export function planTrustDomain(observed: ObservedTrustDomain, nowMs: number): TrustDomainPlan {
  const { record } = observed;
  // What was restored may lack the label that our watch looks for: read it again from time to time.
  if (record.kind === 'unusable') return { action: 'none', nextAtMs: nowMs + lookAgainMs, problem: record.problem };
  if (record.kind === 'absent') return planAbsent(observed, nowMs);
  return planLoaded(observed, record.record, nowMs);
}

function planAbsent(observed: ObservedTrustDomain, nowMs: number): TrustDomainPlan {
  if (observed.traces.length === 0) return { action: 'create' };
  const asked = observed.lastRoot ?? 'lost';
  if (observed.newRoot === asked) return { action: 'replace', why: 'the record was lost and a new root was asked for' };
  return {
    action: 'none',
    nextAtMs: nowMs + lookAgainMs,
    problem: {
      reason: catalogue.AUTHORITY_RECORD_LOST.reason,
      message:
        `${observed.recordLocation} is gone, but ${observed.traces.join(', ')} of trust domain ${observed.name} exist: restore it from a backup. ` +
        `To give the old root up instead (every certificate in use stops verifying), annotate the TrustDomain with ${newRootAnnotation}: ${asked}`,
    },
  };
}

function planLoaded(observed: ObservedTrustDomain, record: AuthorityRecord, nowMs: number): TrustDomainPlan {
  const older = planOlder(observed, record, nowMs);
  if (older !== undefined) return older;
  const turnover = planTurnover(record, observed.limits, nowMs);
  switch (turnover.action) {
    case 'none':
      return { action: 'none', nextAtMs: turnover.nextAtMs };
    case 'drop':
      return turnover;
    case 'turn-over':
      return turnover;
    case 'refuse':
      return planRefused(observed, record, turnover.why, nowMs);
  }
}

/** Nothing is done with a record that is older than what was delivered, until somebody accepts it by name. */
function planOlder({ delivered, acceptRecord, recordLocation }: ObservedTrustDomain, record: AuthorityRecord, nowMs: number): TrustDomainPlan | undefined {
  if (!isOlder(record, delivered)) return undefined;
  if (acceptRecord === activeAuthority(record, 'Root').keyIdentifier) return { action: 'accept' };
  return { action: 'none', nextAtMs: nowMs + lookAgainMs, problem: olderRecord(record, delivered, recordLocation) };
}

function planRefused(observed: ObservedTrustDomain, record: AuthorityRecord, why: 'root-expired' | 'root-ending' | 'clock-behind', nowMs: number): TrustDomainPlan {
  const root = activeAuthority(record, 'Root');
  const askedFor = observed.newRoot === root.keyIdentifier;
  const replacement = `annotate the TrustDomain with ${newRootAnnotation}: ${root.keyIdentifier} (every certificate in use stops verifying until its consumers have the new root)`;
  if (why === 'clock-behind') {
    return {
      action: 'none',
      nextAtMs: nowMs + 30_000,
      problem: { reason: catalogue.AUTHORITY_CLOCK.reason, message: `the authorities of ${observed.name} are not valid yet by the clock of this machine: set the clock` },
    };
  }
  const end = new Date(root.certificate.notAfterMs).toISOString();
  if (why === 'root-expired') {
    if (askedFor) return { action: 'replace', why: 'the root has expired and a new one was asked for' };
    return { action: 'none', problem: { reason: catalogue.AUTHORITY_ROOT_EXPIRED.reason, message: `root authority ${root.keyIdentifier} of ${observed.name} expired at ${end}: to replace it, ${replacement}` } };
  }
  return {
    action: 'none',
    nextAtMs: root.certificate.notAfterMs,
    problem: {
      reason: catalogue.AUTHORITY_ROOT_ENDING.reason,
      message: `root authority ${root.keyIdentifier} of ${observed.name} ends at ${end}, too soon for another issuing authority: shorten spec.svid.maxTTL to go on until then; once it has ended, ${replacement}`,
    },
  };
}
