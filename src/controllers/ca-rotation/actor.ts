import type { AuditDecision } from '../../audit/index.ts';
import {
  activeAuthority,
  adoptRotation,
  distrustSooner,
  dropPrepared,
  finishRotation,
  hastenDistrust,
  keepHint,
  keepWishes,
  makeEmergency,
  prepareIssuing,
  prepareRoot,
  prepareSuccessors,
  renewPrepared,
  retireFrom,
  rootsOf,
  switchBack,
  switchTo,
  type Authority,
  type AuthorityRecord,
  type RotationNames,
  type RotationWishes,
  type Successors,
} from '../../authority/index.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { ResolvedRotationSpec, ResolvedTrustDomainSpec } from '../../resources/index.ts';
import { leavesInTheWay, type ObservedRotation, type RotationStep } from '../../rotation/ca/index.ts';
import { shortestLifeMs } from '../../rotation/index.ts';
import type { ControllerContext } from '../context.ts';
import { saveRecord, type LoadedRecord } from '../trust-domain/record-store.ts';
import type { LeafHorizon } from './inventory.ts';

/** A step that changes the record. */
export type RecordStep = Exclude<RotationStep, { do: 'canary' }>;

/** What a step is taken from. */
export interface Ground {
  readonly names: RotationNames;
  readonly wishes: RotationWishes;
  /** The longest refresh hint that readers of the bundle may go by, seconds. */
  readonly hintSeconds: number;
  readonly spec: ResolvedRotationSpec;
  readonly authorities: Pick<ResolvedTrustDomainSpec, 'rootAuthority' | 'issuingAuthority'>;
  readonly observed: ObservedRotation;
  readonly record: AuthorityRecord;
  readonly precondition: LoadedRecord['precondition'];
}

/** A replica that has not seen the switch goes on for this long at most. Where one process is alone there is none. */
const leaseMs = 60_000;

/** Takes steps: each is one compare-and-swap of the record that the plan was made from. */
export class RotationActor {
  readonly #context: ControllerContext;
  readonly #horizon: LeafHorizon;

  constructor(context: ControllerContext, horizon: LeafHorizon) {
    this.#context = context;
    this.#horizon = horizon;
  }

  /** @throws STORE_…, AUTHORITY_ROOT_ENDING, AUTHORITY_STILL_NEEDED; nothing is half done then. Returns the record as it is now */
  async act(step: RecordStep, ground: Ground): Promise<AuthorityRecord> {
    const changed = await this.#next(step, ground);
    if (changed === ground.record) return changed;
    // In the same write, so that whoever deletes the CARotation right after does not take them along.
    const next = withKept(changed, ground);
    await saveRecord(this.#context, next, ground.precondition);
    this.#tell(step, ground, next);
    return next;
  }

  /** What was decided and told since is kept beside the rotation. Returns whether anything was. */
  async keep(ground: Pick<Ground, 'record' | 'names' | 'wishes' | 'hintSeconds' | 'precondition'>): Promise<boolean> {
    const next = withKept(ground.record, ground);
    if (next === ground.record) return false;
    await saveRecord(this.#context, next, ground.precondition);
    return true;
  }

  /** The rotation goes on under the uid of a CARotation that was made anew. */
  async adopt({ record, names, precondition }: Pick<Ground, 'record' | 'names' | 'precondition'>): Promise<AuthorityRecord> {
    const next = adoptRotation(record, names);
    await saveRecord(this.#context, next, precondition);
    this.#context.log.info(`CARotation ${names.name} was made anew: the rotation that is under way goes on`);
    return next;
  }

  /** The CARotation is gone before its switch: what was prepared goes as well. */
  async abandon(record: AuthorityRecord, names: RotationNames, precondition: LoadedRecord['precondition']): Promise<void> {
    await saveRecord(this.#context, dropPrepared(record, names, this.#context.clock.nowMs()), precondition);
    this.#audit(record, names, record.rotation?.to, 'the CARotation was deleted before the switch: what was prepared is dropped');
  }

  async #next(step: RecordStep, ground: Ground): Promise<AuthorityRecord> {
    const { record, names, observed } = ground;
    const nowMs = this.#context.clock.nowMs();
    switch (step.do) {
      case 'prepare':
        return ground.spec.what === 'Root' ? prepareRoot(record, names, await this.#successors(ground), nowMs) : prepareIssuing(record, names, await this.#successors(ground), nowMs);
      case 'emergency':
        return makeEmergency(record, names, await this.#successors(ground), { distrustAtMs: nowMs + ground.spec.distrustAfterMs, leavesEndMs: this.#leavesEndMs(ground, nowMs) }, nowMs);
      case 'hasten':
        return hastenDistrust(record, names, nowMs + ground.spec.distrustAfterMs, nowMs);
      case 'distrust-sooner':
        return distrustSooner(record, names, nowMs);
      case 'renew-prepared':
        return renewPrepared(record, names, await this.#issuingBelow(ground, rootOfPrepared(record)));
      case 'switch':
        return switchTo(record, names, this.#leavesEndMs(ground, nowMs), nowMs);
      case 'switch-back':
        return switchBack(record, names, await this.#issuingBelow(ground, record.rotation?.from ?? ''), this.#leavesEndMs(ground, nowMs), nowMs);
      case 'retire':
        return retireFrom(record, names, leavesInTheWay(observed, nowMs).map(({ kind, namespace = '', name }) => `${kind} ${namespace}/${name}`), nowMs);
      case 'drop-prepared':
        return dropPrepared(record, names, nowMs);
      case 'finish':
        return finishRotation(record, names, step.outcome, nowMs);
    }
  }

  async #successors({ record, spec, authorities }: Ground): Promise<Successors> {
    const { clock, tools } = this.#context;
    const root = activeAuthority(record, 'Root');
    if (spec.what === 'Issuing' && root.certificate.notAfterMs - clock.nowMs() < shortestLifeMs) throw rootEnding(record, root);
    return prepareSuccessors(record, spec.what, { root: authorities.rootAuthority, issuing: authorities.issuingAuthority }, clock.nowMs(), tools);
  }

  /** A new issuing authority below that root, whatever state the root is in. */
  async #issuingBelow({ record, authorities }: Ground, keyIdentifier: string): Promise<Authority> {
    const { clock, tools } = this.#context;
    const root = record.authorities.find((authority) => authority.keyIdentifier === keyIdentifier);
    if (root === undefined) throw new Error('invariant broken: the root of a rotation is not in the record');
    if (root.certificate.notAfterMs - clock.nowMs() < shortestLifeMs) throw rootEnding(record, root);
    const alone = { ...record, authorities: [{ ...root, state: 'Active' as const }] };
    const { issuing } = await prepareSuccessors(alone, 'Issuing', { root: authorities.rootAuthority, issuing: authorities.issuingAuthority }, clock.nowMs(), tools);
    return issuing;
  }

  /** When the last leaf ends that was seen below the authorities that sign now, or that a replica may still sign. */
  #leavesEndMs({ record, observed }: Ground, nowMs: number): number {
    const issuers = new Set(record.authorities.filter(({ role, state }) => role === 'Issuing' && state !== 'Prepared').map(({ keyIdentifier }) => keyIdentifier));
    const seenMs = observed.leaves.reduce((latest, { issuer, notAfterMs }) => (issuers.has(issuer) ? Math.max(latest, notAfterMs) : latest), 0);
    const signedMs = nowMs + (this.#context.cluster === undefined ? 0 : leaseMs) + observed.bounds.longestTtlMs;
    return Math.max(signedMs, this.#horizon.latestMs(issuers), seenMs);
  }

  #tell(step: RecordStep, { names, record }: Ground, next: AuthorityRecord): void {
    const rotation = next.rotation ?? next.lastRotation;
    const authority = step.do === 'retire' || step.do === 'drop-prepared' ? (record.rotation?.[step.do === 'retire' ? 'from' : 'to'] ?? '') : rotation?.to;
    const before = record.rotation;
    if (before !== undefined && before.uid !== names.uid) this.#audit(next, before, before.to, `overtaken by the emergency CARotation ${names.name}`);
    this.#audit(next, names, authority, step.do);
    const roots = rootsOf(next).map(({ keyIdentifier }) => keyIdentifier);
    // A root that leaves the bundle is not trusted any more, wherever the bundle has come.
    const gone = step.do === 'drop-prepared' ? [] : rootsOf(record).filter(({ keyIdentifier, state }) => state === 'Retiring' && !roots.includes(keyIdentifier));
    for (const { keyIdentifier } of gone) this.#audit(next, names, keyIdentifier, before?.mode ?? '', 'authority-distrusted');
    this.#context.log.info(`rotation: ${step.do}`, { rotation: names.name, trustDomain: next.trustDomain, authority, roots, signerEpoch: next.signerEpoch, bundleGeneration: next.bundleGeneration });
  }

  #audit({ trustDomain }: AuthorityRecord, { name }: RotationNames, authority: string | undefined, reason: string, decision: AuditDecision = 'authority-rotation'): void {
    this.#context.audit.record({ decision, object: `CARotation ${name}`, trustDomain, ...(authority === undefined ? {} : { authority }), reason });
  }
}

/** With what stands beside the rotation: until the switch what readers were told, and what a person has decided. */
function withKept(record: AuthorityRecord, { names, wishes, hintSeconds }: Pick<Ground, 'names' | 'wishes' | 'hintSeconds'>): AuthorityRecord {
  const { rotation } = record;
  if (rotation === undefined) return record;
  const isFetched = rotation.what === 'Root' && rotation.switchedAtMs === undefined;
  return keepWishes(isFetched ? keepHint(record, names, hintSeconds) : record, names, wishes);
}

function rootOfPrepared(record: AuthorityRecord): string {
  return record.rotation?.what === 'Root' ? record.rotation.to : activeAuthority(record, 'Root').keyIdentifier;
}

function rootEnding({ trustDomain }: AuthorityRecord, { keyIdentifier, certificate }: Authority): MtlsdError<'AUTHORITY_ROOT_ENDING'> {
  const end = new Date(certificate.notAfterMs).toISOString();
  return new MtlsdError('AUTHORITY_ROOT_ENDING', `root authority ${keyIdentifier} of ${trustDomain} ends at ${end}: too soon for another issuing authority; rotate the root`, { details: { trustDomain } });
}
