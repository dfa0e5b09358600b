import type { AuditRecord } from '../../src/audit/index.ts';
import { MemoryStore, noFaults, type DeferredWork } from '../../src/store/memory/index.ts';
import type { StoredObject, TrustDomain } from '../../src/resources/index.ts';
import { Checks } from './checks.ts';
import { VirtualTime } from './clock.ts';
import { settled } from './crypto-order.ts';
import { faultPlan, type FaultRates } from './faults.ts';
import { KeyTurns } from './key-pool.ts';
import { SimulatedProcess, type Knowledge, type ProcessParts } from './process.ts';
import type { Random } from './random.ts';

interface Task {
  readonly run: () => void;
  readonly work: DeferredWork;
}

function describeWork(work: DeferredWork): string {
  if (work.what === 'request') return `${work.verb} ${work.key.kind} ${work.key.name}`;
  if (work.what === 'response') return `  answer to ${work.verb} ${work.key.kind} ${work.key.name}`;
  return work.what === 'delta' ? `  delta of ${work.kind} ${work.key.name}` : `  ${work.what} of ${work.kind}`;
}

/** What defects a world has on purpose; see `mutants.ts`. */
export type Sabotage = Pick<ProcessParts, 'wrapStore' | 'wrapContext'>;

const startMs = Date.parse('2026-01-05T00:00:00Z');

/** The store, virtual time, one process of ours at a time, and the checks that look on. */
export class World {
  readonly random: Random;
  readonly time = new VirtualTime(startMs);
  readonly store: MemoryStore;
  readonly checks: Checks;
  readonly audit: AuditRecord[] = [];
  readonly trace: string[] = [];
  /** How far the order of tasks is from first come, first served: 0 to 1. */
  disorder = 0;
  storeIsDown = false;
  process: SimulatedProcess | undefined;
  readonly #keys = new KeyTurns();
  readonly #sabotage: Sabotage;
  readonly #decisions = new Map<string, Knowledge>();
  #tasks: Task[] = [];
  #uids = 0;

  constructor(random: Random, sabotage: Sabotage = {}) {
    this.random = random;
    this.#sabotage = sabotage;
    this.store = new MemoryStore({
      nowMs: () => this.time.trueMs,
      uid: () => `uid-${String((this.#uids += 1)).padStart(5, '0')}`,
      defer: (run, work) => this.#tasks.push({ run, work }),
    });
    this.checks = new Checks(this.store, (publicKey) => this.#decisions.get(publicKey));
  }

  note(line: string): void {
    this.trace.push(`${new Date(this.time.trueMs).toISOString().slice(5, 19)} ${line}`);
  }

  inject(rates: FaultRates): void {
    this.store.injectFaults(faultPlan(rates, this.random, () => this.storeIsDown));
  }

  /** No more faults, no more disorder. */
  calmDown(): void {
    this.storeIsDown = false;
    this.disorder = 0;
    this.store.injectFaults(noFaults);
  }

  start(): void {
    this.note('process starts');
    this.process = new SimulatedProcess({
      store: this.store,
      time: this.time,
      random: this.random,
      keys: this.#keys,
      trace: (line) => this.note(line),
      ...this.#sabotage,
      onDecision: (publicKey, knowledge) => this.#decisions.set(publicKey, knowledge),
      onDelete: (key, shown, last) => this.checks.noteDelete(key, shown, last),
      onAudit: (record) => this.audit.push(record),
    });
  }

  /** Kills the process between two steps. What it sent may still arrive. */
  crash(): void {
    if (this.process === undefined) return;
    this.note('process dies');
    this.process.kill();
    this.process = undefined;
    this.time.clear();
    if (this.random.chance(0.5)) this.#tasks = this.#tasks.filter(({ work }) => work.what !== 'request');
  }

  get busy(): boolean {
    return this.#tasks.length > 0;
  }

  /** Runs one task and everything that follows from it without another. */
  async step(): Promise<void> {
    const index = this.random.chance(this.disorder) ? this.random.below(this.#tasks.length) : 0;
    const [task] = this.#tasks.splice(index, 1);
    if (task === undefined) return;
    this.note(describeWork(task.work));
    task.run();
    await settled();
    this.checks.afterStep();
  }

  /** Moves time and lets what has become due begin. */
  async advance(ms: number): Promise<void> {
    this.time.advanceTo(this.time.trueMs + ms);
    await settled();
  }

  /** Runs until nothing is left to do at this moment. */
  async drain(): Promise<void> {
    await settled();
    for (let steps = 0; this.busy; steps += 1) {
      if (steps > 20_000) throw new Error('it never comes to rest: a loop without time passing');
      await this.step();
    }
  }

  /** A user's doing, at once; the checks take it as such. */
  asUser(what: string, act: () => void): void {
    this.note(`user: ${what}`);
    act();
    this.checks.afterUser();
  }

  trustDomains(): readonly TrustDomain[] {
    return this.store.all('TrustDomain');
  }

  /** Objects by kind, for a failing run's trace. */
  describe(): string {
    const line = (object: StoredObject): string => `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name} uid=${object.metadata.uid} rv=${object.metadata.resourceVersion}`;
    return [...this.store.all('TrustDomain'), ...this.store.all('WorkloadIdentity'), ...this.store.all('Secret')].map(line).join('\n');
  }
}
