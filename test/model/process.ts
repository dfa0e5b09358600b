import type { AuditRecord } from '../../src/audit/index.ts';
import { ReservedEnds, startControllers, type ControllerContext, type Controllers } from '../../src/controllers/index.ts';
import type { MemoryStore } from '../../src/store/memory/index.ts';
import type { Kind, ObjectKey, Store, WatchHandler } from '../../src/store/port.ts';
import type { StoredObject, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';
import type { ObjectEvent } from '../../src/telemetry/index.ts';
import type { VirtualTime } from './clock.ts';
import type { KeyTurns } from './key-pool.ts';
import type { Random } from './random.ts';

/** What a process knew when it made a key pair, which is the moment at which it decided to issue. */
export interface Knowledge {
  readonly nowMs: number;
  readonly identities: ReadonlyMap<string, WorkloadIdentity>;
  /** The trust domains as the process had opened them. */
  readonly trustDomains: ReadonlyMap<string, TrustDomain>;
}

/** What a process is run with. */
export interface ProcessParts {
  readonly store: MemoryStore;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly keys: KeyTurns;
  readonly trace: (line: string) => void;
  /** Wraps what the process sees of the store: for defects that are put in on purpose. */
  readonly wrapStore?: (store: Store) => Store;
  /** Changes the context: likewise. */
  readonly wrapContext?: (context: ControllerContext) => ControllerContext;
  readonly onDecision: (publicKey: string, knowledge: Knowledge) => void;
  /** `last` is the owner that claimed this Secret, as it was shown last, gone or not. */
  readonly onDelete: (key: ObjectKey, shown: WorkloadIdentity | undefined, last: WorkloadIdentity | undefined) => void;
  readonly onAudit: (record: AuditRecord) => void;
}

/**
 * One run of the controllers on the store. When it dies, nothing of it goes on: its calls get no answer, its watches and
 * timers are silent; a request that is already on its way to the store may still arrive.
 */
export class SimulatedProcess {
  readonly #parts: ProcessParts;
  readonly #death = new AbortController();
  readonly #shown = { WorkloadIdentity: new Map<string, WorkloadIdentity>(), TrustDomain: new Map<string, TrustDomain>() };
  readonly #last = new Map<string, WorkloadIdentity>();
  alive = true;
  controllers: Controllers | undefined;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    void startControllers(this.#context()).then((controllers) => {
      this.controllers = controllers;
    });
  }

  /** Ends it between two steps, without a word. */
  kill(): void {
    this.alive = false;
    this.#death.abort();
  }

  shownIdentity(place: string): WorkloadIdentity | undefined {
    return this.#shown.WorkloadIdentity.get(place);
  }

  #context(): ControllerContext {
    const { trace, time, random, keys, store } = this.#parts;
    const say = (level: string) => (message: string) => {
      if (this.alive) trace(`  ${level}: ${message}`);
    };
    const proxy = this.#proxy(store);
    const context: ControllerContext = {
      store: this.#parts.wrapStore?.(proxy) ?? proxy,
      clock: time.clockOf(() => this.alive),
      tools: {
        generateKeyPair: async (algorithm) => {
          // What is known now, before anything else can happen: the plan was made in this very moment.
          const knowledge = this.#knowledge();
          const pair = await keys.take(algorithm);
          this.#parts.onDecision(Buffer.from(pair.publicKey.spki).toString('base64'), knowledge);
          return pair;
        },
        randomBytes: (length) => random.bytes(length),
      },
      reserved: new ReservedEnds(),
      lease: { permits: () => true, acknowledge: async () => undefined },
      log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('ERROR') },
      events: { record: (target, event: ObjectEvent) => say('event')(`${target.metadata.name} ${event.reason}`) },
      audit: { record: (record) => this.alive && this.#parts.onAudit(record) },
      metrics: { issued: () => undefined, reconciled: () => undefined, storeInterrupted: () => undefined, queueDepth: () => undefined },
      delivery: { minTtlMs: 60_000, minTtlReason: 'the shortest that can be kept fresh' },
      cluster: undefined,
      systemNamespace: 'mtlsd-system',
      recordLocation: (trustDomain) => `record of ${trustDomain}`,
      issuancesPerSecond: 50,
    };
    return this.#parts.wrapContext?.(context) ?? context;
  }

  #knowledge(): Knowledge {
    const opened = this.controllers?.domains.all() ?? [];
    return {
      nowMs: this.#parts.time.nowMs,
      identities: new Map(this.#shown.WorkloadIdentity),
      trustDomains: new Map(opened.map(({ object }) => [object.metadata.name, object])),
    };
  }

  /** The store as this process sees it: dead processes get no answers. */
  #proxy(store: MemoryStore): Store {
    const call = <T>(work: () => Promise<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        if (!this.alive) return;
        work().then(
          (value) => this.alive && resolve(value),
          (error: unknown) => this.alive && reject(error instanceof Error ? error : new Error('not an error')),
        );
      });
    return {
      watch: (kind, selector, handler, signal) => store.watch(kind, selector, this.#watching(kind, handler), AbortSignal.any([signal, this.#death.signal])),
      get: (key) => call(async () => store.get(key)),
      write: async (object, expect) => {
        const written = await call(async () => store.write(object, expect));
        // The process knows what it has just written itself, before a watch shows it.
        if (written.kind === 'WorkloadIdentity') this.#knowOwn(written);
        return written;
      },
      patchStatus: (key, status, expect) => call(async () => store.patchStatus(key, status, expect)),
      delete: async (key, expect) => {
        const owner = `${key.namespace ?? ''}/${store.peek(key)?.metadata.annotations?.['mtlsd.io/identity'] ?? ''}`;
        this.#parts.onDelete(key, this.shownIdentity(owner), this.#last.get(`${owner} ${key.name}`));
        await call(async () => store.delete(key, expect));
        // Likewise what it has deleted itself.
        const place = `${key.namespace ?? ''}/${key.name}`;
        if (key.kind === 'WorkloadIdentity' && this.shownIdentity(place)?.metadata.uid === expect.uid) this.#shown.WorkloadIdentity.delete(place);
      },
      serves: (kind) => call(async () => store.serves(kind)),
    };
  }

  #knowOwn(identity: WorkloadIdentity): void {
    const place = `${identity.metadata.namespace ?? ''}/${identity.metadata.name}`;
    const known = this.#shown.WorkloadIdentity.get(place);
    const isOlder = known?.metadata.uid === identity.metadata.uid && Number(identity.metadata.resourceVersion) < Number(known.metadata.resourceVersion);
    if (!isOlder) this.#shown.WorkloadIdentity.set(place, identity);
  }

  #watching<T extends StoredObject>(kind: Kind, handler: WatchHandler<T>): WatchHandler<T> {
    const shown = kind === 'WorkloadIdentity' || kind === 'TrustDomain' ? (this.#shown[kind] as Map<string, StoredObject>) : new Map<string, StoredObject>();
    const placeOf = (object: T): string => (object.metadata.namespace === undefined ? object.metadata.name : `${object.metadata.namespace}/${object.metadata.name}`);
    const show = (object: T): void => {
      shown.set(placeOf(object), object);
      if (kind !== 'WorkloadIdentity') return;
      const identity = object as unknown as WorkloadIdentity;
      this.#last.set(`${placeOf(object)} ${identity.spec.secretName ?? `${identity.metadata.name}-mtls`}`, identity);
    };
    return {
      snapshot: (objects) => {
        if (!this.alive) return;
        shown.clear();
        for (const object of objects) show(object);
        handler.snapshot(objects);
      },
      upsert: (object) => {
        if (!this.alive) return;
        const known = shown.get(placeOf(object));
        const isOlder = known?.metadata.uid === object.metadata.uid && Number(object.metadata.resourceVersion) < Number(known.metadata.resourceVersion);
        if (!isOlder) show(object);
        handler.upsert(object);
      },
      remove: (last) => {
        if (!this.alive) return;
        if (shown.get(placeOf(last))?.metadata.uid === last.metadata.uid) shown.delete(placeOf(last));
        handler.remove(last);
      },
      interrupted: (error) => this.alive && handler.interrupted?.(error),
    };
  }
}
