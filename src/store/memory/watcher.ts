import { MtlsdError } from '../../errors/index.ts';
import { keyOf, placeOf } from '../object-key.ts';
import type { Kind, Watched, WatchHandler, WatchSelector } from '../port.ts';
import type { Revision } from '../revision.ts';
import { selects, watchedView } from '../selection.ts';
import type { FaultPlan } from './faults.ts';
import type { Defer } from './scheduler.ts';

interface Delta<K extends Kind> {
  readonly type: 'upsert' | 'remove';
  readonly object: Watched<K>;
}

interface WatcherParts<K extends Kind> {
  readonly kind: K;
  readonly selector: WatchSelector;
  readonly handler: WatchHandler<Watched<K>>;
  readonly signal: AbortSignal;
  readonly defer: Defer;
  readonly faults: () => FaultPlan;
  /** Reads the state of this moment. */
  readonly list: () => readonly Revision[];
}

/**
 * One watch: a snapshot, then deltas, each handed over by a task of its own. Deltas of one object stay in order however the
 * scheduler orders the tasks: a task delivers the oldest delta of its object, not a particular one.
 */
export class Watcher<K extends Kind> {
  readonly #parts: WatcherParts<K>;
  /** Rises with each relist: tasks of an earlier life find nothing to do. */
  #life = 0;
  /** `listing`: deltas are not needed, the list will show them. `listed`: they wait for the snapshot's hand-over. */
  #phase: 'listing' | 'listed' | 'live' = 'listing';
  #relistPending = false;
  #interrupted = false;
  #queues = new Map<string, Delta<K>[]>();

  constructor(parts: WatcherParts<K>) {
    this.#parts = parts;
    this.#relist();
  }

  /** Tells the watch that an object changed from `before` to `after`; absent means that it does not exist. */
  changed(before: Revision | undefined, after: Revision | undefined): void {
    if (this.#phase === 'listing' || this.#parts.signal.aborted) return;
    const sawIt = before !== undefined && selects(this.#parts.selector, before);
    const seesIt = after !== undefined && selects(this.#parts.selector, after);
    if (seesIt) this.#enqueue({ type: 'upsert', object: this.#view(after) });
    // An object that loses the label leaves the watch as a deletion with its newest metadata, as at an API server.
    else if (sawIt) this.#enqueue({ type: 'remove', object: this.#view(after ?? before) });
  }

  #view(object: Revision): Watched<K> {
    return watchedView(object as Revision & { readonly kind: K });
  }

  #enqueue(delta: Delta<K>): void {
    const key = keyOf(delta.object);
    const queue = this.#queues.get(placeOf(key)) ?? [];
    queue.push(delta);
    this.#queues.set(placeOf(key), queue);
    if (this.#phase === 'live') this.#deferDelivery(placeOf(key), delta);
  }

  #deferDelivery(place: string, delta: Delta<K>): void {
    const life = this.#life;
    const work = { what: 'delta', kind: this.#parts.kind, key: keyOf(delta.object) } as const;
    this.#parts.defer(() => this.#deliver(life, place), work);
  }

  #deliver(life: number, place: string): void {
    if (life !== this.#life || this.#parts.signal.aborted) return;
    const queue = this.#queues.get(place);
    const delta = queue?.shift();
    if (queue === undefined || delta === undefined) return;
    if (queue.length === 0) this.#queues.delete(place);
    const fault = this.#parts.faults().delivery({ kind: this.#parts.kind, type: delta.type, key: keyOf(delta.object) });
    if (fault === 'lose') return this.#scheduleRelist();
    if (fault === 'interrupt') return this.#interrupt();
    if (fault === 'duplicate') {
      this.#queues.set(place, [delta, ...queue]);
      this.#deferDelivery(place, delta);
    }
    if (delta.type === 'upsert') this.#parts.handler.upsert(delta.object);
    else this.#parts.handler.remove(delta.object);
  }

  #interrupt(): void {
    this.#interrupted = true;
    this.#relist();
    const object = this.#parts.kind;
    this.#parts.handler.interrupted?.(new MtlsdError('STORE_UNAVAILABLE', `The watch of ${object} was interrupted.`, { details: { object } }));
  }

  /** The gap is closed later; until then the watch goes on with what it has. */
  #scheduleRelist(): void {
    if (this.#relistPending) return;
    this.#relistPending = true;
    const life = this.#life;
    this.#parts.defer(() => {
      if (life === this.#life) this.#list();
    }, { what: 'list', kind: this.#parts.kind });
  }

  /** Forgets all undelivered deltas: the list will show what they say. */
  #relist(): void {
    this.#life += 1;
    this.#phase = 'listing';
    this.#queues.clear();
    this.#relistPending = false;
    this.#scheduleRelist();
  }

  #list(): void {
    if (this.#parts.signal.aborted) return;
    const objects = this.#parts.list().filter((object) => selects(this.#parts.selector, object)).map((object) => this.#view(object));
    this.#life += 1;
    this.#phase = 'listed';
    this.#relistPending = false;
    this.#queues.clear();
    const life = this.#life;
    this.#parts.defer(() => this.#handOver(life, objects), { what: 'snapshot', kind: this.#parts.kind });
  }

  #handOver(life: number, objects: readonly Watched<K>[]): void {
    if (life !== this.#life || this.#parts.signal.aborted) return;
    this.#phase = 'live';
    for (const [place, queue] of this.#queues) for (const delta of queue) this.#deferDelivery(place, delta);
    if (this.#interrupted) {
      this.#interrupted = false;
      this.#parts.handler.interrupted?.(undefined);
    }
    this.#parts.handler.snapshot(objects);
  }
}
