/** Replicas that compete for one Lease in a memory store, under virtual time, with a scheduler that a test drives. */
import { setImmediate as macrotask } from 'node:timers/promises';
import { Leadership } from '../../src/controllers/index.ts';
import type { Lease } from '../../src/resources/index.ts';
import { MemoryStore, type OperationFault } from '../../src/store/memory/index.ts';
import type { Store } from '../../src/store/port.ts';
import { VirtualTime } from '../model/clock.ts';

const startMs = Date.parse('2026-01-05T00:00:00Z');
export const leaseKey = { kind: 'Lease', namespace: 'mtlsd-system', name: 'mtlsd-controller' } as const;
/** The trust domain and epoch that every leader signs for. */
const [domain, epoch] = ['shop.example', 1];
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Task {
  readonly replica: Replica;
  readonly isAnswer: boolean;
  readonly run: () => void;
}

/** One process that takes part in the election. */
export class Replica {
  readonly name: string;
  readonly time: VirtualTime;
  readonly leadership: Leadership;
  readonly stop = new AbortController();
  readonly #world: ElectionWorld;
  paused = false;
  /** Whether its requests and their answers do not arrive for now. */
  cut = false;
  dead = false;
  /** How often it was called to lead. */
  terms = 0;
  /** What goes wrong with its next call. */
  nextFault: OperationFault | undefined;
  ended = false;

  constructor(name: string, world: ElectionWorld) {
    this.name = name;
    this.#world = world;
    this.time = new VirtualTime(world.trueMs);
    this.leadership = new Leadership({
      store: world.storeOf(this),
      clock: this.time.clockOf(() => !this.dead),
      now: () => ({ wallMs: this.time.nowMs, monotonicMs: this.time.trueMs }),
      log: quiet,
      identity: name,
      namespace: leaseKey.namespace,
      leaseName: leaseKey.name,
      durationMs: 6_000,
      periodMs: 1_500,
    });
    void this.leadership.run((ended) => this.#lead(ended), this.stop.signal).then(() => (this.ended = true));
  }

  /** Whether it would sign at this moment. */
  get signs(): boolean {
    if (this.paused || this.dead) return false;
    this.time.trueMs = this.#world.trueMs;
    return this.leadership.permits(domain, epoch, this.time.nowMs);
  }

  async #lead(ended: AbortSignal): Promise<void> {
    this.terms += 1;
    // As a reconciler does it: what fails is tried again.
    while (!ended.aborted && !(await this.leadership.acknowledge(domain, epoch).then(() => true, () => false))) await this.#nap();
    if (!ended.aborted) await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
  }

  async #nap(): Promise<void> {
    await new Promise<void>((resolve) => this.time.clockOf(() => !this.dead).schedule(this.time.nowMs + 500, resolve));
  }
}

export class ElectionWorld {
  trueMs = startMs;
  readonly replicas: Replica[] = [];
  readonly store: MemoryStore;
  #tasks: Task[] = [];
  #running: Replica | undefined;
  #uids = 0;

  constructor() {
    this.store = new MemoryStore({
      nowMs: () => this.trueMs,
      uid: () => `uid-${(this.#uids += 1)}`,
      defer: (run, work) => {
        if (this.#running !== undefined) this.#tasks.push({ replica: this.#running, isAnswer: work.what === 'response', run });
      },
      faults: {
        operation: () => {
          const fault = this.#running?.nextFault;
          if (this.#running !== undefined) this.#running.nextFault = undefined;
          return fault;
        },
        delivery: () => undefined,
      },
    });
  }

  start(name: string): Replica {
    const replica = new Replica(name, this);
    this.replicas.push(replica);
    return replica;
  }

  get lease(): Lease | undefined {
    return this.store.peek(leaseKey);
  }

  /** Who would sign now. */
  get signing(): readonly string[] {
    return this.replicas.filter((replica) => replica.signs).map(({ name }) => name);
  }

  /** The store as one replica reaches it: what it defers is known as its own. */
  storeOf(replica: Replica): Store {
    const as = <T>(call: () => T): T => {
      const before = this.#running;
      this.#running = replica;
      try {
        return call();
      } finally {
        this.#running = before;
      }
    };
    const { store } = this;
    return {
      watch: () => undefined,
      get: (key) => as(async () => store.get(key)),
      write: (object, expect) => as(async () => store.write(object, expect)),
      patchStatus: (key, status, expect) => as(async () => store.patchStatus(key, status, expect)),
      delete: (key, expect) => as(async () => store.delete(key, expect)),
      serves: (kind) => as(async () => store.serves(kind)),
    };
  }

  /** Requests travel whether their sender is paused or not; answers wait for it. False when none can run. */
  async step(choice = 0): Promise<boolean> {
    const ready = this.#tasks.filter(({ replica, isAnswer }) => !replica.cut && (!isAnswer || (!replica.paused && !replica.dead)));
    const task = ready[choice % Math.max(1, ready.length)];
    if (task === undefined) return false;
    this.#tasks = this.#tasks.filter((other) => other !== task);
    await this.#as(task.replica, task.run);
    return true;
  }

  /** Time passes; who is not paused notices. */
  async advance(ms: number): Promise<void> {
    this.trueMs += ms;
    for (const replica of this.replicas) await this.#wake(replica);
  }

  async resume(replica: Replica): Promise<void> {
    replica.paused = false;
    await this.#wake(replica);
  }

  /** What can arrive arrives and time passes, in small steps; `look` is called after each. */
  async calm(ms: number, look: () => void = () => undefined): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      while (await this.step()) look();
      await this.advance(250);
      look();
    }
  }

  /** SIGKILL. */
  kill(replica: Replica): void {
    replica.dead = true;
    replica.time.clear();
  }

  async #wake(replica: Replica): Promise<void> {
    if (!replica.paused && !replica.dead) await this.#as(replica, () => replica.time.advanceTo(this.trueMs));
  }

  /** Runs something of a replica's, and all that follows at once. */
  async #as(replica: Replica, act: () => void): Promise<void> {
    this.#running = replica;
    act();
    await macrotask();
    this.#running = undefined;
  }
}
