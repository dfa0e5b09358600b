import { setTimeout as sleep } from 'node:timers/promises';
import { MtlsdError } from '../../errors/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Kind, Watched, WatchHandler, WatchSelector } from '../port.ts';
import type { Api } from './api.ts';
import { Backoff, type BackoffLimits } from './backoff.ts';
import { Collection } from './collection.ts';
import { HttpRefusal, isNotServed, watchStatusError } from './failures.ts';
import { InitialObjects } from './initial-objects.ts';
import { KnownObjects, type Change } from './known-objects.ts';
import { LineSplitter } from './line-splitter.ts';
import { isOlder } from './resource-version.ts';
import type { SharedStrings } from './shared-strings.ts';
import { parseWatchEvent, WatchProtocolError, type WatchEvent } from './watch-event.ts';
import { watchedFromWire } from './wire-object.ts';

/** Bounds of a watch. */
export interface WatchLimits {
  /** Each stream is asked to end after a random time between these. */
  readonly streamSecondsMin: number;
  readonly streamSecondsMax: number;
  /** A stream that says nothing for so long is dead: more than the API server's bookmark cadence of a minute. */
  readonly idleMs: number;
  /** After so long the next stream starts with a snapshot: an event that was lost on the way is not lost for ever. */
  readonly snapshotEveryMs: number;
  readonly backoff: BackoffLimits;
  /** The longest wait while the API of a kind is not there: it is in use soon after it is installed. */
  readonly notServedMaxMs: number;
  readonly lineBytesMax: number;
  readonly pageSize: number;
}

/** What a watch is made of. */
export interface ReflectorParts<K extends Kind> {
  readonly api: Api;
  readonly kind: K;
  readonly selector: WatchSelector;
  readonly handler: WatchHandler<Watched<K>>;
  readonly signal: AbortSignal;
  readonly limits: WatchLimits;
  /** Of the store: objects of several kinds say the same. */
  readonly strings: SharedStrings;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** A stream that lived so long did work: what follows is a new failure, not the same one again. */
const healthyAfterMs = 5000;
/** WatchList attempts that may end without their end mark before a paged list is tried. */
const cutSnapshotsMax = 2;

/**
 * One watch that goes on until its signal aborts: a snapshot, then deltas, over as many streams as it takes. It resumes where
 * a stream broke; it starts over with a snapshot when the history is gone, when the server could not be reached meanwhile
 * (who comes back may be a restored backup with an older history), when events arrive out of order, and now and then.
 * Handler calls happen one at a time, never inside the constructor.
 */
export class Reflector<K extends Kind> {
  readonly #parts: ReflectorParts<K>;
  readonly #collection: Collection<K>;
  readonly #known = new KnownObjects<Watched<K>>();
  readonly #backoff: Backoff;
  /** Where the next stream goes on; undefined: with a snapshot. */
  #version: string | undefined;
  #snapshotAtMs = 0;
  #cutSnapshots = 0;
  #interrupted = false;

  constructor(parts: ReflectorParts<K>) {
    this.#parts = parts;
    this.#collection = new Collection(parts.api, parts.kind, parts.selector, parts.limits.pageSize, parts.strings);
    this.#backoff = new Backoff(parts.limits.backoff, parts.random);
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { signal, nowMs } = this.#parts;
    // Nothing is called before the caller of watch() has gone on.
    await Promise.resolve();
    while (!signal.aborted) {
      const startedMs = nowMs();
      const failure = await this.#attempt();
      if (signal.aborted) return;
      const short = nowMs() - startedMs < healthyAfterMs;
      if (!short) this.#backoff.reset();
      if (failure !== undefined) this.#interrupt(failure);
      if (failure !== undefined || short) await this.#wait(failure);
    }
  }

  /** One stream, from its opening to its end. Returns why it failed, or undefined when it ended as it should. */
  async #attempt(): Promise<Error | undefined> {
    try {
      if (this.#version !== undefined && this.#parts.nowMs() - this.#snapshotAtMs >= this.#parts.limits.snapshotEveryMs) this.#version = undefined;
      if (this.#version === undefined) await this.#startOver();
      else await this.#resume(this.#version);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #startOver(): Promise<void> {
    if (this.#cutSnapshots < cutSnapshotsMax) {
      const body = await this.#openInitial();
      if (body !== undefined) return this.#read(body, new InitialObjects(this.#parts.kind, this.#parts.strings));
    }
    const { objects, resourceVersion } = await this.#collection.list();
    this.#cutSnapshots = 0;
    this.#deliverSnapshot(objects, resourceVersion);
    await this.#read(await this.#open({ resourceVersion }), undefined);
  }

  /** A stream that begins with all objects; undefined when the server does not know of such (before 1.32, or switched off). */
  async #openInitial(): Promise<AsyncIterable<Buffer> | undefined> {
    try {
      return await this.#open({ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' });
    } catch (error) {
      if (error instanceof MtlsdError && error.code === 'STORE_INVALID') return undefined;
      throw error;
    }
  }

  async #resume(version: string): Promise<void> {
    let body: AsyncIterable<Buffer>;
    try {
      const now = await this.#collection.currentVersion();
      if (isOlder(now, version)) throw new WatchProtocolError(`the API server is at ${now}, before ${version} which it has shown already: it was restored from a backup`);
      body = await this.#open({ resourceVersion: version });
    } catch (error) {
      // Too busy is still the same server. Anything else may come back as another, or without this part of the history.
      if (!(error instanceof MtlsdError && error.cause instanceof HttpRefusal && error.cause.status === 429)) this.#version = undefined;
      throw error;
    }
    this.#goesOn();
    await this.#read(body, undefined);
  }

  async #open(query: Readonly<Record<string, string>>): Promise<AsyncIterable<Buffer>> {
    const { api, limits, signal, random } = this.#parts;
    const seconds = limits.streamSecondsMin + Math.floor(random() * (limits.streamSecondsMax - limits.streamSecondsMin + 1));
    const path = await this.#collection.path({ watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds), ...query });
    return api.follow(this.#collection.question('watch'), path, limits.idleMs, signal);
  }

  /** Reads a stream to its end. `initial` gathers the objects of a snapshot that comes first. */
  async #read(body: AsyncIterable<Buffer>, initial: InitialObjects<K> | undefined): Promise<void> {
    const lines = new LineSplitter(this.#parts.limits.lineBytesMax);
    let gathering = initial;
    for await (const chunk of this.#chunks(body)) {
      for (const line of this.#split(lines, chunk)) {
        if (this.#parts.signal.aborted) return;
        const event = this.#parse(line);
        if (gathering === undefined) this.#apply(event);
        else if (this.#gather(gathering, event)) gathering = undefined;
      }
    }
    if (gathering !== undefined) {
      this.#cutSnapshots += 1;
      throw new WatchProtocolError('a stream ended before it had shown all objects');
    }
    if (lines.pendingBytes > 0) throw new WatchProtocolError('a stream ended in the middle of a line');
  }

  async *#chunks(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#nextChunk(chunks);
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await chunks.return?.().catch(() => undefined);
    }
  }

  async #nextChunk(chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> {
    try {
      return await chunks.next();
    } catch (cause) {
      throw this.#parts.api.lost(this.#collection.question('watch'), cause);
    }
  }

  *#split(lines: LineSplitter, chunk: Buffer): Generator<Buffer, void, undefined> {
    try {
      yield* lines.push(chunk);
    } catch (error) {
      this.#startOverNext();
      throw error;
    }
  }

  /** What no API server sends casts doubt on all that came with it: the next stream starts with a snapshot. */
  #parse(line: Buffer): WatchEvent {
    try {
      return parseWatchEvent(line);
    } catch (error) {
      this.#startOverNext();
      throw error;
    }
  }

  #startOverNext(): void {
    // A stream that cannot show its snapshot because of one line never will: next time page by page.
    if (this.#version === undefined) this.#cutSnapshots += 1;
    this.#version = undefined;
  }

  /** Adds one event to the snapshot. True when that was its end mark. */
  #gather(initial: InitialObjects<K>, event: WatchEvent): boolean {
    if (event.type === 'ERROR') throw watchStatusError(this.#collection.question('watch'), event.status);
    if (event.type !== 'BOOKMARK') initial.add(event.type, event.object);
    else if (event.initialEventsEnd) {
      this.#cutSnapshots = 0;
      this.#deliverSnapshot(initial.objects(), event.resourceVersion);
      return true;
    }
    return false;
  }

  #deliverSnapshot(objects: readonly Watched<K>[], version: string): void {
    if (this.#parts.signal.aborted) return;
    const all = this.#known.replaceAll(objects);
    this.#goesOn();
    this.#parts.handler.snapshot(all);
    // Only now: a handler that threw gets the snapshot again.
    this.#version = version;
    this.#snapshotAtMs = this.#parts.nowMs();
  }

  #apply(event: WatchEvent): void {
    if (event.type === 'ERROR') {
      // History that is gone (410) or that has not happened yet (504 after a restore) cannot be resumed.
      if (event.status.code !== 429) this.#version = undefined;
      throw watchStatusError(this.#collection.question('watch'), event.status);
    }
    const version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
    if (this.#version !== undefined && isOlder(version, this.#version)) {
      this.#version = undefined;
      throw new WatchProtocolError('events of the watch came out of order');
    }
    if (event.type !== 'BOOKMARK') this.#deliver(this.#changes(event));
    this.#version = version;
  }

  #changes(event: Exclude<WatchEvent, { readonly type: 'BOOKMARK' | 'ERROR' }>): readonly Change<Watched<K>>[] {
    const object = watchedFromWire(this.#parts.kind, event.object, this.#parts.strings);
    return event.type === 'DELETED' ? this.#known.remove(object) : this.#known.upsert(object);
  }

  #deliver(changes: readonly Change<Watched<K>>[]): void {
    const { handler, signal } = this.#parts;
    try {
      for (const { type, object } of changes) {
        if (signal.aborted) return;
        if (type === 'upsert') handler.upsert(object);
        else handler.remove(object);
      }
    } catch (error) {
      this.#version = undefined;
      throw error;
    }
  }

  #interrupt(failure: Error): void {
    const { kind, log, handler } = this.#parts;
    log[this.#interrupted ? 'debug' : 'warn']('watch interrupted', { kind, error: failure.message });
    this.#interrupted = true;
    this.#tell(() => handler.interrupted?.(failure));
  }

  #goesOn(): void {
    if (!this.#interrupted) return;
    const { kind, log, handler } = this.#parts;
    this.#interrupted = false;
    log.info('watch goes on', { kind });
    this.#tell(() => handler.interrupted?.(undefined));
  }

  /** News about the watch must not stop it. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#parts.log.error('a handler failed', { kind: this.#parts.kind, error: error instanceof Error ? error.message : String(error) });
    }
  }

  async #wait(failure: Error | undefined): Promise<void> {
    const after = failure instanceof MtlsdError ? failure.retryAfterMs : undefined;
    const waitMs = this.#backoff.nextMs(after);
    const boundedMs = isNotServed(failure) ? Math.min(waitMs, this.#parts.limits.notServedMaxMs) : waitMs;
    await sleep(boundedMs, undefined, { signal: this.#parts.signal }).catch(() => undefined);
  }
}
