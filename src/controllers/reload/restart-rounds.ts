import type { WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { PodFacts } from '../pod-warnings/uses.ts';
import { differInOthersAlone, type Change, type ReloadRecord } from './change.ts';
import type { RestartState, Restarts } from './restarts.ts';
import { lineMax, linesMax, type RoundPlan } from './round.ts';
import type { Hindrance } from './status.ts';

/** What is known of one occasion after a look at it. */
export interface Look {
  readonly record: ReloadRecord | undefined;
  readonly hindrance?: Hindrance | undefined;
  readonly nextAtMs?: number | undefined;
  /** Whether it is under way: until it ends, what was said before stays. */
  readonly isOpen?: boolean;
}

/** What is waited for is told after so long, and what else it waits for then not before so long again. */
const patienceMs = 2 * 60_000;
const repeatMs = 5 * 60_000;

/** Roots of other trust domains change when others want it: pods are replaced for those this often at the most. */
const othersPauseMs = 3_600_000;

/** One restart of all pods of an identity, as far as this process has seen it. */
interface Begun {
  readonly mark: string;
  /** Whose pods have to be replaced: they count until they are rolled out, not only until their old pods are gone. */
  readonly owners: Map<string, NonNullable<PodFacts['owner']>>;
  readonly uids: Set<string>;
  readonly sinceMs: number;
  told: { readonly hindrance: Hindrance; readonly atMs: number } | undefined;
}

/** Where restarts are done. */
interface RestartDesk {
  /** Has a namespace looked at. */
  look(namespace: string): void;
  /** Why nobody can be restarted; undefined when somebody can. */
  whyNot(): string | undefined;
}

/** What an identity tells of restarts: which pods have to be replaced, whether they are, and what they wait for. */
export class RestartRounds {
  readonly #context: Pick<ControllerContext, 'clock'>;
  readonly #restarts: Restarts;
  readonly #desk: RestartDesk;
  /** By `namespace/name` of the identity. */
  readonly #begun = new Map<string, Begun>();

  constructor(context: Pick<ControllerContext, 'clock'>, restarts: Restarts, desk: RestartDesk) {
    this.#context = context;
    this.#restarts = restarts;
    this.#desk = desk;
  }

  forget(identity: string): void {
    if (this.#begun.delete(identity)) this.#restarts.forget(identity);
  }

  /** @param plan the round of the change: its pods are those that began before they could see it */
  look(identity: WorkloadIdentity, { version }: Change, record: ReloadRecord | undefined, { round, nextAtMs }: RoundPlan): Look {
    // What there is when a restart is first asked for is no change.
    if (record === undefined) return { record: { version, pods: 0, reloaded: 0, failing: [] } };
    const nowMs = this.#context.clock.nowMs();
    // Those that take the place of the first ones must not be counted among them.
    if (nowMs < (round.openUntilMs ?? Infinity)) return { record, nextAtMs, isOpen: true };
    const known = this.#begun.get(idOf(identity));
    const pauseUntilMs = pauseUntil(identity, known, version);
    const pauses = nowMs < pauseUntilMs;
    if (pauses && known === undefined) return { record, nextAtMs: pauseUntilMs };
    const begun = this.#begin(idOf(identity), pauses && known !== undefined ? known.mark : version, nowMs);
    const open = this.#open(identity, begun, round);
    if (open.length > 0) return { record, isOpen: true, nextAtMs: nowMs + patienceMs, hindrance: this.#told(begun, open, nowMs) };
    const pods = begun.uids.size;
    return { record: { version: begun.mark, pods, reloaded: pods, failing: [] }, ...(pauses ? { nextAtMs: pauseUntilMs } : {}) };
  }

  /** What those wait for whose pods are not replaced yet; all of them are asked for. */
  #open(identity: WorkloadIdentity, { mark, owners, uids }: Begun, { pods }: RoundPlan['round']): readonly string[] {
    const { namespace = '' } = identity.metadata;
    for (const pod of pods) {
      uids.add(pod.uid);
      owners.set(`${ownerOf(pod).kind} ${ownerOf(pod).name}`, ownerOf(pod));
    }
    if (this.#restarts.want(idOf(identity), namespace, mark, [...owners.values()])) this.#desk.look(namespace);
    return [...owners.values()].flatMap((owner) => {
      const state = this.#restarts.stateOf(namespace, owner, mark);
      return isOver(state, owner, pods) ? [] : [waitsFor(state, owner)];
    });
  }

  #begin(id: string, mark: string, nowMs: number): Begun {
    const known = this.#begun.get(id);
    if (known?.mark === mark) return known;
    const begun: Begun = { mark, owners: new Map(), uids: new Set(), sinceMs: nowMs, told: undefined };
    this.#begun.set(id, begun);
    return begun;
  }

  #told(begun: Begun, open: readonly string[], nowMs: number): Hindrance | undefined {
    if (open.length === 0 || nowMs - begun.sinceMs < patienceMs) return begun.told?.hindrance;
    if (begun.told !== undefined && nowMs - begun.told.atMs < repeatMs) return begun.told.hindrance;
    const whyNot = this.#desk.whyNot();
    const lines = whyNot !== undefined ? [`PodDisruptionBudgets are not known: ${whyNot}`] : open.slice(0, linesMax).map((line) => line.slice(0, lineMax));
    const more = whyNot === undefined ? open.length - lines.length : 0;
    begun.told = { hindrance: { reason: 'Waiting', message: `not all pods were replaced yet for the changed roots: ${lines.join('; ')}${more > 0 ? `; and ${more} more` : ''}` }, atMs: nowMs };
    return begun.told.hindrance;
  }
}

/** Until when nothing new is begun for roots that differ in those of others alone; 0 for any other. */
function pauseUntil({ status }: WorkloadIdentity, known: Begun | undefined, version: string): number {
  const last = known?.mark ?? status?.reload?.onBundle?.version ?? '';
  return differInOthersAlone(last, version) ? (known?.sinceMs ?? Date.parse(status?.reload?.onBundle?.time ?? '')) + othersPauseMs : 0;
}

/** `namespace/name`. */
export function idOf({ metadata }: WorkloadIdentity): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function isOver(state: RestartState | undefined, owner: NonNullable<PodFacts['owner']>, left: RoundPlan['round']['pods']): boolean {
  if (state === undefined || state === 'done') return state === 'done';
  return state.byHand && !left.some((pod) => ownerOf(pod).kind === owner.kind && ownerOf(pod).name === owner.name);
}

function ownerOf({ owner, name }: RoundPlan['round']['pods'][number]): NonNullable<PodFacts['owner']> {
  return owner ?? { kind: 'Pod', name };
}

function waitsFor(state: RestartState | undefined, { kind, name }: NonNullable<PodFacts['owner']>): string {
  return state === undefined || state === 'done' ? `${kind} ${name}: it was not looked at yet` : state.waitsFor;
}
