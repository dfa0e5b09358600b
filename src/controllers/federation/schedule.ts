import { createHash } from 'node:crypto';

/** Without a hint, a bundle is fetched every five minutes (SPIFFE-31). */
const defaultIntervalMs = 5 * 60_000;
/** Bounds of what a hint can bring about: it is a stranger's word. */
const shortestIntervalMs = 10_000;
const longestIntervalMs = 3_600_000;
/** The first pause while nothing was ever fetched; it doubles up to the interval. */
const firstPauseMs = 2_000;
/** How far fetches are spread, as a part of the interval, to its early side: a hint is a promise about the latest time. */
const jitterPart = 0.1;

/** What the next fetch depends on. */
export interface Polled {
  /** Which trust domain of whom: decides how fetches are spread. */
  readonly id: string;
  readonly refreshHintSeconds: number | undefined;
  /** Whether there is a bundle in use. */
  readonly known: boolean;
  /** Failures in a row. */
  readonly failures: number;
}

/**
 * How long after a fetch the next one is due, milliseconds. After a failure the next interval is waited for (SPIFFE-31); only
 * who has nothing yet asks sooner, with growing pauses.
 */
export function pollDelayMs({ id, refreshHintSeconds, known, failures }: Polled): number {
  const hintMs = refreshHintSeconds === undefined ? defaultIntervalMs : refreshHintSeconds * 1000;
  const intervalMs = Math.min(longestIntervalMs, Math.max(shortestIntervalMs, hintMs));
  const unit = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32; // [0, 1)
  const spreadMs = Math.round(intervalMs * (1 - jitterPart * unit));
  return known ? spreadMs : Math.min(spreadMs, firstPauseMs * 2 ** Math.min(Math.max(failures - 1, 0), 20));
}
