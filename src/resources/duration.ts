import { MtlsdError } from '../errors/index.ts';

const unitMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
type Unit = keyof typeof unitMs;

const textLengthMax = 32;
const part = /([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)/gu;
const whole = /^(?:[0-9]+(?:\.[0-9]+)?(?:ms|h|m|s))+$/u;
/** What Go's time.Duration holds: 2^63 nanoseconds. */
const durationMsMax = 9_223_372_036_854;

function refuse(text: string, sentence: string): never {
  const shown = text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}…`;
  throw new MtlsdError('DURATION_INVALID', `Duration ${JSON.stringify(shown)} is refused: ${sentence}.`, {
    details: { value: shown },
  });
}

/**
 * Milliseconds of a Go duration without sign, such as `90s`, `1h30m`, `1.5h` or `500ms`; `0` is allowed, as in Go.
 *
 * @throws MtlsdError `DURATION_INVALID`: no such form, finer than a millisecond, or longer than Go's 2^63 ns
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (text.length > textLengthMax || !whole.test(text)) {
    refuse(text, 'write hours, minutes and seconds, such as 1h, 1h30m or 90s; there is no unit for days');
  }
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(part)) ms += Number(amount) * unitMs[unit as Unit];
  if (ms > durationMsMax) refuse(text, 'it is longer than 292 years');
  const rounded = Math.round(ms);
  // A fraction such as 1.1h is not exact in binary: what is off by less than a nanosecond was meant to be whole.
  if (Math.abs(ms - rounded) > 1e-6 * Math.max(1, ms / durationMsMax)) refuse(text, 'it is finer than a millisecond');
  return rounded;
}

/**
 * `ms` (whole milliseconds) for people and for `parseDuration`: `1h30m`, `45s`, `1.5s`, `0s`; hours are the largest unit, as in
 * Kubernetes. A negative duration has a minus sign in front, which `parseDuration` does not take.
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms > 0 && ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / unitMs.h);
  const minutes = Math.floor((ms % unitMs.h) / unitMs.m);
  const seconds = (ms % unitMs.m) / unitMs.s;
  const parts = [hours > 0 ? `${hours}h` : '', minutes > 0 ? `${minutes}m` : '', seconds > 0 ? `${seconds}s` : ''];
  return parts.join('') || '0s';
}
