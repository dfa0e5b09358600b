/** Bounds on what a server says about how long its answer is good, and on how long it wants to be left alone. Milliseconds. */
const freshness = {
  /** Without a word of the server. */
  defaultMs: 5 * 60_000,
  minMs: 60_000,
  maxMs: 60 * 60_000,
  retryAfterMaxMs: 15 * 60_000,
} as const;

/** How long an answer counts as fresh by its `Cache-Control` (RFC 9111 §5.2.2) and `Age` (§5.1), within the bounds. */
export function freshForMs(cacheControl: string | undefined, age: string | undefined): number {
  const directives = (cacheControl ?? '').toLowerCase().split(',').map((directive) => directive.trim());
  if (directives.some((directive) => directive === 'no-store' || directive === 'no-cache')) return freshness.minMs;
  const seconds = directives.map((directive) => /^max-age="?(\d{1,10})"?$/u.exec(directive)?.[1]).find((found) => found !== undefined);
  if (seconds === undefined) return freshness.defaultMs;
  const ageSeconds = /^\d{1,10}$/u.test(age ?? '') ? Number(age) : 0;
  return Math.min(freshness.maxMs, Math.max(freshness.minMs, (Number(seconds) - ageSeconds) * 1000));
}

/** `Retry-After` (RFC 9110 §10.2.3): seconds or a date; undefined when it says neither. Never longer than the bound. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^\d{1,10}$/u.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(freshness.retryAfterMaxMs, Math.max(0, ms));
}
