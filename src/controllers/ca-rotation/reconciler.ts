import type { AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { resolvedRotationSpec, resolvedTrustDomainSpec, type CARotation } from '../../resources/index.ts';
import { isRotatedAway, planRotation, type CanaryResult, type RotationPlan, type RotationStep } from '../../rotation/ca/index.ts';
import { parseTrustDomainName } from '../../spiffe/index.ts';
import type { ControllerContext } from '../context.ts';
import type { DomainState } from '../domains.ts';
import { OlderDefinitions } from '../older-definitions.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { sameStatus } from '../status.ts';
import { inForce } from '../trust-domain/older-record.ts';
import { withKnownReservations } from '../trust-domain/lost-reservations.ts';
import { loadRecord, type LoadedRecord } from '../trust-domain/record-store.ts';
import { RotationActor, type Ground } from './actor.ts';
import { sendCanary } from './canary.ts';
import { LeafHorizon, type Inventory } from './inventory.ts';
import { observeRotation } from './observe.ts';
import { OrphanedRotations } from './orphans.ts';
import type { RotationParts } from './parts.ts';
import { hasEnded, rotationStatus } from './status.ts';
import { wishesOf } from './wishes.ts';

/** More steps at once than any plan takes without waiting. */
const stepsMax = 8;
/** How often gates are looked at: what they look at changes without anybody telling this reconciler. */
const lookMs = 1_000;
/** And while identities are re-issued, so that the pace is even. */
const paceMs = 200;
/** Counts change all the time: they are told this often, what matters more at once. */
const tellMs = 1_000;

/** Takes the rotation of an authority through its phases: one step at a time, each when its gates have let it through. */
export class CARotationReconciler implements Reconciler {
  readonly kind = 'CARotation';
  readonly #context: ControllerContext;
  readonly #parts: RotationParts;
  readonly #actor: RotationActor;
  readonly #orphans: OrphanedRotations;
  readonly #older: OlderDefinitions;
  readonly #loaded = new Map<string, LoadedRecord>();
  readonly #canaries = new Map<string, CanaryResult>();
  readonly #toldAtMs = new Map<string, number>();

  constructor(parts: RotationParts) {
    this.#parts = parts;
    this.#context = parts.context;
    this.#actor = new RotationActor(parts.context, new LeafHorizon(parts.caches.secrets));
    this.#orphans = new OrphanedRotations(parts, this.#actor);
    this.#older = new OlderDefinitions(parts.context.log);
  }

  deadlineMs(): undefined {
    return undefined;
  }

  async reconcile(key: QueueKey): Promise<Outcome> {
    const object = this.#parts.caches.rotations.get(undefined, key.name);
    if (object === undefined) {
      this.#toldAtMs.delete(key.name);
      return this.#orphans.settle(key.name);
    }
    if (hasEnded(object) && !this.#isUnderWay(object)) {
      this.#canaries.delete(object.metadata.uid);
      return this.#finish(object);
    }
    this.#parts.watches.open();
    for (let step = 0; step < stepsMax; step += 1) {
      const outcome = await this.#lookOnce(key.name);
      if (outcome !== 'again') return outcome;
    }
    return { nextAtMs: this.#context.clock.nowMs() + lookMs };
  }

  /** One observation, one plan, one step at most. */
  async #lookOnce(name: string): Promise<Outcome | 'again'> {
    const object = this.#parts.caches.rotations.get(undefined, name);
    if (object === undefined) return 'again';
    const domain = this.#parts.domains.get(object.spec.trustDomain);
    const loaded = await this.#load(object, domain);
    const record = loaded?.state.kind === 'loaded' ? loaded.state.record : undefined;
    if (record !== undefined && loaded !== undefined && ((await this.#adopts(object, record, loaded)) || (await this.#keeps(object, record, loaded, domain)))) return 'again';
    const { observed, inventory } = observeRotation(this.#parts, object, domain, record, notReady(object, domain, loaded), this.#canaries.get(object.metadata.uid));
    const nowMs = this.#context.clock.nowMs();
    const plan = planRotation(observed, nowMs);
    if (plan.step === undefined) {
      if (record?.rotation?.uid === object.metadata.uid) this.#release(object, record, inventory, plan);
      await this.#writeStatus(object, plan, record, undefined);
      return { nextAtMs: this.#nextLook(object, plan) };
    }
    if (record === undefined || loaded === undefined || domain === undefined) throw new Error('invariant broken: a step needs a record');
    await this.#takeStep(object, domain, plan, plan.step, { observed, record, precondition: loaded.precondition });
    return 'again';
  }

  async #takeStep(object: CARotation, domain: DomainState, plan: RotationPlan, step: RotationStep, seen: Pick<Ground, 'observed' | 'record' | 'precondition'>): Promise<void> {
    const { record } = seen;
    try {
      // Told before it is done, so that whoever looks sees what it was done on.
      await this.#writeStatus(object, plan, record, undefined);
      if (step.do === 'canary') return await this.#sendCanary(object, domain, record);
      const names = { uid: object.metadata.uid, name: object.metadata.name };
      await this.#actor.act(step, { ...seen, names, ...this.#kept(object, domain, record), spec: seen.observed.spec, authorities: resolvedTrustDomainSpec(domain.object) });
      this.#parts.wakeTrustDomain(object.spec.trustDomain);
    } catch (error) {
      if (isMtlsdError(error) && !isMtlsdError(error, 'STORE_CONFLICT')) await this.#writeStatus(object, plan, record, { reason: error.entry.reason, message: error.message });
      throw error;
    }
  }

  async #load(object: CARotation, domain: DomainState | undefined): Promise<LoadedRecord | undefined> {
    if (domain === undefined) return undefined;
    const name = parseTrustDomainName(object.spec.trustDomain);
    const remembered = this.#context.reserved.latest();
    const loaded = await loadRecord(this.#context, name, this.#loaded.get(name));
    this.#loaded.set(name, loaded);
    // Its trust domain may not have looked at it yet: what is older than what was delivered is not rotated forth from, and nothing is drained by an end that a restore has put back.
    const current = this.#parts.caches.trustDomains.get(undefined, name) ?? domain.object;
    return inForce(withKnownReservations(loaded, current, remembered, this.#context.clock.nowMs()), current, this.#context.recordLocation(name));
  }

  /** Whether the rotation in the record was this one's predecessor of the same name: then it goes on as this one. */
  async #adopts(object: CARotation, record: AuthorityRecord, { precondition }: LoadedRecord): Promise<boolean> {
    const { rotation } = record;
    if (rotation === undefined || rotation.uid === object.metadata.uid || rotation.name !== object.metadata.name || rotation.what !== object.spec.what) return false;
    // Whoever asks for an emergency by the same name wants more than that it goes on.
    if (object.spec.mode === 'Emergency' && rotation.mode !== 'Emergency') return false;
    await this.#actor.adopt({ record, names: { uid: object.metadata.uid, name: object.metadata.name }, precondition });
    return true;
  }

  /** Whether something was decided or told since the last look that has to outlive the CARotation, or this process. */
  async #keeps(object: CARotation, record: AuthorityRecord, { precondition }: LoadedRecord, domain: DomainState | undefined): Promise<boolean> {
    const { uid, name } = object.metadata;
    if (record.rotation?.uid !== uid || domain === undefined) return false;
    return this.#actor.keep({ record, names: { uid, name }, ...this.#kept(object, domain, record), precondition });
  }

  #kept(object: CARotation, domain: DomainState, { rotation }: AuthorityRecord): Pick<Ground, 'wishes' | 'hintSeconds'> {
    const { hints } = this.#parts;
    const nowMs = this.#context.clock.nowMs();
    // What was told before this process began stands in the record, once the rotation does.
    const isNoted = rotation?.uid === object.metadata.uid && rotation.hintSeconds !== undefined;
    return { wishes: wishesOf(object), hintSeconds: isNoted ? hints.toldSeconds(domain, nowMs) : hints.longestSeconds(domain, nowMs) };
  }

  async #sendCanary(object: CARotation, domain: DomainState, record: AuthorityRecord): Promise<void> {
    const { rotation } = record;
    if (domain.policy === undefined || rotation === undefined) throw new Error('invariant broken: a canary needs a rotation');
    const signer = record.authorities.find(({ role, state }) => role === 'Issuing' && state === 'Active');
    const name = rotation.switchedAtMs === undefined ? rotation.toIssuing : (signer?.keyIdentifier ?? '');
    this.#canaries.set(object.metadata.uid, await sendCanary(this.#context, this.#parts.caches, record, domain.policy, name, resolvedRotationSpec(object).exemptions));
  }

  /** Lets the next identities have a certificate of the new authority. */
  #release(object: CARotation, record: AuthorityRecord, inventory: Inventory, plan: RotationPlan): void {
    const { reissues, wakeIdentity } = this.#parts;
    const nowMs = this.#context.clock.nowMs();
    if (!plan.reissues) {
      reissues.clear(object.spec.trustDomain);
      return;
    }
    const old = inventory.leaves.filter((leaf) => leaf.notAfterMs > nowMs && isRotatedAway(leaf.issuer, record));
    for (const identity of reissues.release(object.spec.trustDomain, old, resolvedRotationSpec(object).pacePerSecond, nowMs)) {
      const [namespace = '', name = ''] = identity.split('/');
      wakeIdentity(namespace, name);
    }
  }

  #nextLook(object: CARotation, plan: RotationPlan): number | undefined {
    const nowMs = this.#context.clock.nowMs();
    if (plan.phase === 'Complete' || plan.phase === 'Aborted' || plan.phase === 'Superseded') return nowMs; // for what is left at the end
    // What has not begun waits for others or for a person: each of them wakes it.
    return Math.min(plan.nextAtMs ?? Infinity, nowMs + (plan.reissues ? paceMs : lookMs), ...(object.spec.paused === true ? [nowMs + 10 * lookMs] : []));
  }

  #isUnderWay(object: CARotation): boolean {
    return this.#parts.domains.get(object.spec.trustDomain)?.record?.rotation?.uid === object.metadata.uid;
  }

  /** What is done once it has ended: the receipt is kept. */
  async #finish(object: CARotation): Promise<Outcome> {
    this.#parts.reissues.clear(object.spec.trustDomain);
    if (![...this.#parts.caches.rotations.values()].some((other) => !hasEnded(other))) this.#parts.watches.close();
    const { keepReceipt } = this.#parts;
    if (keepReceipt === undefined || object.status?.startedAt === undefined || object.status.receipt !== undefined) return {};
    const loaded = await this.#load(object, this.#parts.domains.get(object.spec.trustDomain));
    if (loaded?.state.kind !== 'loaded') return {};
    const receipt = await keepReceipt(this.#context, object, loaded.state.record);
    await this.#store(object, { ...object.status, receipt });
    return {};
  }

  async #writeStatus(object: CARotation, plan: RotationPlan, record: AuthorityRecord | undefined, failure: { readonly reason: string; readonly message: string } | undefined): Promise<void> {
    const nowMs = this.#context.clock.nowMs();
    const status = rotationStatus({ object, plan, record, failure }, nowMs);
    if (sameStatus(object.status, status)) return;
    const toldAtMs = this.#toldAtMs.get(object.metadata.name) ?? 0;
    if (nowMs < toldAtMs + tellMs && sameStatus(essentials(object.status), essentials(status))) return;
    await this.#store(object, status);
    this.#toldAtMs.set(object.metadata.name, nowMs);
    this.#tell(object, status);
  }

  async #store(object: CARotation, status: NonNullable<CARotation['status']>): Promise<void> {
    const { uid, resourceVersion, name } = object.metadata;
    const written = await this.#context.store.patchStatus({ kind: 'CARotation', name }, status, { uid, resourceVersion });
    this.#parts.caches.rotations.observeWrite(written);
    this.#older.note(this.kind, status, written.status);
  }

  /** Events on transitions: of the phase, and of what stands in the way. */
  #tell(object: CARotation, status: NonNullable<CARotation['status']>): void {
    const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
    const before = object.status?.conditions?.find(({ type }) => type === 'Progressing');
    if (progressing === undefined || (object.status?.phase === status.phase && before?.reason === progressing.reason)) return;
    const type = progressing.status === 'True' || status.phase === 'Complete' ? 'Normal' : 'Warning';
    this.#context.events.record(object, { type, reason: object.status?.phase === status.phase ? progressing.reason : (status.phase ?? 'Preflight'), message: progressing.message });
  }
}

/** Why the authorities of the trust domain cannot be used, for people. */
function notReady({ spec }: CARotation, domain: DomainState | undefined, loaded: LoadedRecord | undefined): string | undefined {
  if (domain === undefined) return `trust domain ${spec.trustDomain} does not exist: create the TrustDomain, or delete this CARotation`;
  if (loaded?.state.kind === 'unusable') return loaded.state.problem.message;
  return domain.problem?.message;
}

/** A status without what changes all the time. */
function essentials(status: CARotation['status']): unknown {
  const { gates = [], reissued: _reissued, remaining: _remaining, progress: _progress, stragglers: _stragglers, nextTime: _next, conditions = [], ...rest } = status ?? {};
  return {
    ...rest,
    gates: gates.map(({ name, state, since }) => ({ name, state, since })),
    conditions: conditions.map(({ type, status: holds, reason, observedGeneration }) => ({ type, holds, reason, observedGeneration })),
  };
}
