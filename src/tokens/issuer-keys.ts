import { isMtlsdError } from '../errors/index.ts';
import type { FetchedKeySet } from './issuer-documents.ts';
import { keysFor, type TokenKey, type WantedKey } from './key-set.ts';
import type { KeysFound, KeySource } from './verify-token.ts';

/** Bounds of what an issuer is asked, and of how long its keys are believed. Milliseconds. */
export interface IssuerKeysLimits {
  /** How long keys are used after they should have been fetched again and could not be. */
  readonly staleMs: number;
  /** A name that is not among the keys leads to a fetch at most this often: strangers choose names. */
  readonly unknownKeyIntervalMs: number;
  /** How long after the start of that fetch a token with an unknown name waits for it, where the issuer answered last time. */
  readonly unknownKeyWaitMs: number;
  /** The first delay after a failure; it doubles up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
}

const issuerKeysLimits: IssuerKeysLimits = {
  staleMs: 60 * 60_000,
  unknownKeyIntervalMs: 30_000,
  unknownKeyWaitMs: 1_000,
  retryMs: 1_000,
  retryMaxMs: 5 * 60_000,
};

/** What `IssuerKeys` needs of the world. */
export interface IssuerKeysTools {
  /** Fetches the key set now. @throws whatever went wrong; an MtlsdError may carry `retryAfterMs` */
  fetch(nowMs: number): Promise<FetchedKeySet>;
  nowMs(): number;
  /** Resolves after so many milliseconds, at the latest when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 up to 1: spreads retries. */
  random(): number;
  /** Told each change between answering and not answering, once. */
  onState(state: { readonly failing: string | undefined; readonly dropped: readonly string[] }): void;
}

/**
 * The keys of one issuer, kept fresh. A known key never waits for the network: keys that should be fetched again are used
 * meanwhile, for a bounded time when the issuer does not answer. A name that nobody knows leads to one fetch for all who
 * ask, at most once in an interval; while the issuer fails, it is refused at once. One fetch is in flight at a time.
 */
export class IssuerKeys implements KeySource {
  readonly #tools: IssuerKeysTools;
  readonly #limits: IssuerKeysLimits;
  #keys: readonly TokenKey[] | undefined;
  #freshUntilMs = -Infinity;
  #failures = 0;
  #failing: string | undefined;
  /** Before this, nothing is fetched again: the last try failed, or the server asked for it. */
  #notBeforeMs = -Infinity;
  #unknownNotBeforeMs = -Infinity;
  #inFlight: Promise<void> | undefined;
  #told: string | undefined;
  /** Nobody waits longer for the fetch in flight. */
  #waitUntilMs = -Infinity;

  constructor(tools: IssuerKeysTools, limits: IssuerKeysLimits = issuerKeysLimits) {
    this.#tools = tools;
    this.#limits = limits;
  }

  /** See `KeySource`. Answers at once, but for the first keys and for an unknown name at an issuer that answers. */
  find(wanted: WantedKey, nowMs: number): KeysFound | Promise<KeysFound> {
    this.refresh(nowMs);
    const keys = this.#usable(nowMs);
    if (keys === undefined) return this.#isWorthWaiting(nowMs) ? this.#afterFetch(wanted, nowMs) : this.#unavailable(nowMs);
    const matching = keysFor(keys, wanted);
    if (matching.length > 0) return { kind: 'found', keys: matching };
    return this.#mayAskForUnknown(nowMs) ? this.#askForUnknown(wanted, nowMs) : { kind: 'unknown' };
  }

  /** Starts a fetch when one is due. Called by each `find`, and by a timer so that rare callers find fresh keys too. */
  refresh(nowMs: number): void {
    if (nowMs >= this.#freshUntilMs && nowMs >= this.#notBeforeMs) this.#start(nowMs);
  }

  /** Resolves when no fetch is in flight. */
  async whenIdle(): Promise<void> {
    await this.#inFlight;
  }

  #usable(nowMs: number): readonly TokenKey[] | undefined {
    return nowMs < this.#freshUntilMs + this.#limits.staleMs ? this.#keys : undefined;
  }

  #unavailable(nowMs: number): KeysFound {
    const why = this.#failing ?? 'they have not been fetched yet';
    return { kind: 'unavailable', why, retryAfterMs: Math.max(1_000, this.#notBeforeMs - nowMs) };
  }

  #mayAskForUnknown(nowMs: number): boolean {
    if (this.#failures > 0) return false;
    if (this.#inFlight !== undefined) return this.#isWorthWaiting(nowMs);
    return nowMs >= this.#unknownNotBeforeMs && nowMs >= this.#notBeforeMs;
  }

  #isWorthWaiting(nowMs: number): boolean {
    return this.#inFlight !== undefined && this.#failures === 0 && nowMs < this.#waitUntilMs;
  }

  #askForUnknown(wanted: WantedKey, nowMs: number): Promise<KeysFound> {
    if (this.#inFlight === undefined) {
      this.#unknownNotBeforeMs = nowMs + this.#limits.unknownKeyIntervalMs;
      this.#start(nowMs);
    }
    return this.#afterFetch(wanted, nowMs);
  }

  /** What the fetch in flight brings, or what is known when the wait is over. */
  async #afterFetch(wanted: WantedKey, askedAtMs: number): Promise<KeysFound> {
    const patience = new AbortController();
    await Promise.race([this.#inFlight, this.#tools.sleep(this.#waitUntilMs - askedAtMs, patience.signal)]);
    patience.abort();
    const nowMs = this.#tools.nowMs();
    const keys = this.#usable(nowMs);
    if (keys === undefined) return this.#unavailable(nowMs);
    const matching = keysFor(keys, wanted);
    return matching.length > 0 ? { kind: 'found', keys: matching } : { kind: 'unknown' };
  }

  #start(nowMs: number): void {
    if (this.#inFlight === undefined) this.#waitUntilMs = nowMs + this.#limits.unknownKeyWaitMs;
    this.#inFlight ??= this.#fetch().finally(() => {
      this.#inFlight = undefined;
    });
  }

  async #fetch(): Promise<void> {
    try {
      const { keySet, freshForMs } = await this.#tools.fetch(this.#tools.nowMs());
      this.#keys = keySet.keys;
      this.#freshUntilMs = this.#tools.nowMs() + freshForMs;
      this.#notBeforeMs = -Infinity;
      this.#failures = 0;
      this.#tell(undefined, keySet.dropped);
    } catch (error) {
      this.#failures += 1;
      const backoffMs = Math.min(this.#limits.retryMaxMs, this.#limits.retryMs * 2 ** Math.min(this.#failures - 1, 20));
      const asked = isMtlsdError(error) ? (error.retryAfterMs ?? 0) : 0;
      // Half of it is by chance: verifiers that lost an issuer together must not come back together.
      this.#notBeforeMs = this.#tools.nowMs() + Math.max(asked, backoffMs * (0.5 + this.#tools.random() / 2));
      this.#tell(error instanceof Error ? error.message : 'unknown error', []);
    }
  }

  #tell(failing: string | undefined, dropped: readonly string[]): void {
    this.#failing = failing;
    const state = JSON.stringify([failing === undefined, dropped]);
    if (state === this.#told) return;
    this.#told = state;
    this.#tools.onState({ failing, dropped });
  }
}
