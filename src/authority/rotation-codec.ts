import type { FinishedRotation, RotationInRecord } from './record.ts';

/** A rotation as JSON: times are RFC 3339, what is not known is left out. */
export type EncodedRotation = Readonly<Record<string, string | number>>;

const times = ['startedAtMs', 'switchedAtMs', 'leavesEndMs', 'distrustAtMs', 'retiredAtMs', 'finishedAtMs'] as const;
const texts = ['uid', 'name', 'from', 'to'] as const;
const choices = {
  what: ['Root', 'Issuing'],
  mode: ['Graceful', 'Emergency'],
  direction: ['Forward', 'Back'],
  outcome: ['Complete', 'Aborted'],
} as const;

/** See `EncodedRotation`. */
export function encodeRotation(rotation: RotationInRecord | FinishedRotation): EncodedRotation {
  const encoded: Record<string, string | number> = {};
  // In one order, whoever made it: the checksum is over the text.
  for (const [key, value] of (Object.entries(rotation) as [string, string | number | undefined][]).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === undefined) continue;
    if ((times as readonly string[]).includes(key)) encoded[key.slice(0, -2)] = new Date(value).toISOString();
    else encoded[key] = value;
  }
  return encoded;
}

/** @throws {Error} when a field is missing or is none of its kind; the message names it */
export function decodeRotation(encoded: EncodedRotation): RotationInRecord {
  return {
    ...decodeCommon(encoded),
    direction: choice(encoded, 'direction'),
    toIssuing: text(encoded, 'toIssuing'),
    switchEpoch: encoded['switchEpoch'] === undefined ? undefined : epoch(encoded['switchEpoch']),
    leavesEndMs: time(encoded, 'leavesEndMs'),
    distrustAtMs: time(encoded, 'distrustAtMs'),
  };
}

/** @throws {Error} as `decodeRotation` does */
export function decodeFinished(encoded: EncodedRotation): FinishedRotation {
  return { ...decodeCommon(encoded), outcome: choice(encoded, 'outcome'), finishedAtMs: present(time(encoded, 'finishedAtMs'), 'finishedAt') };
}

function decodeCommon(encoded: EncodedRotation) {
  const [uid, name, from, to] = texts.map((key) => text(encoded, key)) as [string, string, string, string];
  return {
    uid,
    name,
    from,
    to,
    what: choice(encoded, 'what'),
    mode: choice(encoded, 'mode'),
    startedAtMs: present(time(encoded, 'startedAtMs'), 'startedAt'),
    switchedAtMs: time(encoded, 'switchedAtMs'),
    retiredAtMs: time(encoded, 'retiredAtMs'),
    ...(encoded['goneSha256'] === undefined ? {} : { goneSha256: text(encoded, 'goneSha256') }),
  };
}

function text(encoded: EncodedRotation, key: string): string {
  const value = encoded[key];
  if (typeof value !== 'string' || value === '') throw new Error(`the rotation in it has no ${key}`);
  return value;
}

function choice<K extends keyof typeof choices>(encoded: EncodedRotation, key: K): (typeof choices)[K][number] {
  const known = choices[key].find((each) => each === encoded[key]);
  if (known === undefined) throw new Error(`the ${key} of the rotation in it is not known`);
  return known;
}

function time(encoded: EncodedRotation, key: (typeof times)[number]): number | undefined {
  const value = encoded[key.slice(0, -2)];
  if (value === undefined) return undefined;
  const at = Date.parse(String(value));
  if (Number.isNaN(at)) throw new Error('a time of the rotation in it does not parse');
  return at;
}

function epoch(value: string | number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw new Error('switchEpoch is no positive integer');
  return value;
}

function present(value: number | undefined, name: string): number {
  if (value === undefined) throw new Error(`the rotation in it has no ${name}`);
  return value;
}
