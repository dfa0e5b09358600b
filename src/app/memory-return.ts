/** How often it looks whether all is at rest. */
const lookMs = 4_000;
/** A collection stops the process for some milliseconds for each thousand identities: never twice within this time. */
const againMs = 10 * 60_000;
/** Less growth than this part is not worth it. */
const growthMin = 0.15;

/** What it needs of the process; times in milliseconds on a clock that is never set. */
export interface ProcessMemory {
  /** A full collection of garbage that gives free pages back. */
  readonly collect: () => void;
  readonly residentBytes: () => number;
  readonly nowMs: () => number;
}

/**
 * Gives back what a start or a herd took. A first snapshot of ten thousand objects leaves as much free room in the heap as it
 * has objects, spread over its pages; the engine keeps that for the next one, which may never come. Once all has been at rest for two
 * looks, the pages are given back.
 */
export class MemoryReturn {
  readonly #memory: ProcessMemory;
  readonly #isAtRest: () => boolean;
  #restingLooks = 0;
  #collectedAtMs = -Infinity;
  #residentAfter = 0;

  constructor(memory: ProcessMemory, isAtRest: () => boolean) {
    this.#memory = memory;
    this.#isAtRest = isAtRest;
  }

  /** One look. */
  look(): void {
    this.#restingLooks = this.#isAtRest() ? this.#restingLooks + 1 : 0;
    const { collect, residentBytes, nowMs } = this.#memory;
    if (this.#restingLooks < 2 || nowMs() - this.#collectedAtMs < againMs) return;
    if (residentBytes() < this.#residentAfter * (1 + growthMin)) return;
    collect();
    this.#collectedAtMs = nowMs();
    this.#residentAfter = residentBytes();
  }
}

/** Looks now and then until `signal` aborts. Without `--expose-gc` (as in `bin/mtlsd`) there is nothing that it can do. */
export function returnMemoryAtRest(isAtRest: () => boolean, signal: AbortSignal): void {
  const { gc } = globalThis;
  if (gc === undefined || signal.aborted) return;
  const collect = (): void => {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  };
  const memory = { collect, residentBytes: () => process.memoryUsage.rss(), nowMs: () => performance.now() };
  const returns = new MemoryReturn(memory, isAtRest);
  const timer = setInterval(() => returns.look(), lookMs).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
