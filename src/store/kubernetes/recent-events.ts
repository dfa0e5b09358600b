import type { EventTarget, ObjectEvent } from '../../telemetry/index.ts';

/** Bounds of what is told about one object. */
export interface EventLimits {
  /** An event that was told is not told again for so long. */
  readonly quietMs: number;
  /** Different messages with one reason about one object within `quietMs`. */
  readonly perReasonMax: number;
  /** Keys that are remembered; the oldest are forgotten first. */
  readonly rememberedMax: number;
}

interface Window {
  readonly endsAtMs: number;
  told: number;
}

/** Decides which events are news: a state that is found again and again is told once in a while. */
export class RecentEvents {
  readonly #limits: EventLimits;
  readonly #windows = new Map<string, Window>();

  constructor(limits: EventLimits) {
    this.#limits = limits;
  }

  /** Whether to tell this one now. */
  isNews({ metadata }: EventTarget, event: ObjectEvent, nowMs: number): boolean {
    const reason = `${metadata.uid} ${event.type} ${event.reason}`;
    if (this.#told(`${reason} ${event.message}`, nowMs) >= 1 || this.#told(reason, nowMs) >= this.#limits.perReasonMax) return false;
    this.#count(`${reason} ${event.message}`, nowMs);
    this.#count(reason, nowMs);
    return true;
  }

  #told(key: string, nowMs: number): number {
    const window = this.#windows.get(key);
    return window === undefined || window.endsAtMs <= nowMs ? 0 : window.told;
  }

  #count(key: string, nowMs: number): void {
    const window = this.#windows.get(key);
    if (window !== undefined && window.endsAtMs > nowMs) {
      window.told += 1;
      return;
    }
    this.#windows.delete(key);
    this.#windows.set(key, { endsAtMs: nowMs + this.#limits.quietMs, told: 1 });
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > this.#limits.rememberedMax && oldest !== undefined) this.#windows.delete(oldest);
  }
}
