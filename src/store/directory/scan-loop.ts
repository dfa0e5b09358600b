import { watch, type FSWatcher } from 'node:fs';

/** What a pass answers: when to look again, and which folders to listen to. */
export interface PassResult {
  /** Milliseconds; undefined: at the usual time. */
  readonly againInMs: number | undefined;
  readonly folders: readonly string[];
}

interface ScanLoopParts {
  readonly pass: () => Promise<PassResult>;
  readonly failed: (error: unknown) => void;
  readonly monotonicMs: () => number;
}

/** Between an event and the look at it: one save is several events. */
const debounceMs = 20;
/** Between looks without any event: events get lost, and some file systems have none. */
const restMs = 500;
/** A pass that took long rests longer: looking takes at most a fiftieth of a core. */
const restPerWork = 50;
/** More folders are left to the regular look: each costs one of the user's inotify watches. */
const watchesMax = 512;

/** Runs passes one after the other: soon after an event in a watched folder, and regularly without one. */
export class ScanLoop {
  readonly #parts: ScanLoopParts;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(parts: ScanLoopParts) {
    this.#parts = parts;
  }

  /** Starts with the folders that were seen last. */
  start(last: PassResult): void {
    this.#listen(last.folders);
    this.#schedule(last.againInMs ?? restMs);
  }

  /** Ends the loop; resolves when the pass that runs is over. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    await this.#running;
  }

  #schedule(inMs: number): void {
    const dueMs = this.#parts.monotonicMs() + inMs;
    if (this.#closed || dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    // Like a server that listens, it keeps the process alive until it is closed.
    this.#timer = setTimeout(() => this.#tick(), inMs);
  }

  #tick(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#pass().finally(() => {
      this.#running = undefined;
      if (this.#again) this.#schedule(debounceMs);
      this.#again = false;
    });
  }

  async #pass(): Promise<void> {
    const startMs = this.#parts.monotonicMs();
    let againInMs: number | undefined;
    try {
      const result = await this.#parts.pass();
      againInMs = result.againInMs;
      if (!this.#closed) this.#listen(result.folders);
    } catch (error) {
      this.#parts.failed(error);
    }
    const rest = Math.max(restMs, (this.#parts.monotonicMs() - startMs) * restPerWork);
    this.#schedule(Math.min(againInMs ?? rest, rest));
  }

  #listen(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, watchesMax));
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#listenTo(folder);
  }

  #listenTo(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#schedule(debounceMs));
      this.#watchers.set(folder, watcher);
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(folder);
      });
    } catch {
      // No watches left, or a file system without them: the regular look sees the change.
    }
  }
}
