import type { FinishedRotation, RotationInRecord, RotationWishes } from './record.ts';

/** A rotation as JSON: times are RFC 3339, what is not known is left out. */
export interface EncodedRotation {
  readonly [field: string]: string | number | Readonly<Record<string, unknown>> | readonly EncodedRotation[];
}

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
  const { overtook, wishes, goneBeside, ...plain } = rotation as RotationInRecord & FinishedRotation;
  const encoded: Record<string, EncodedRotation[string]> = {};
  for (const [key, value] of sorted<string | number | undefined>(plain)) {
    if (value === undefined) continue;
    if ((times as readonly string[]).includes(key)) encoded[key.slice(0, -2)] = new Date(value).toISOString();
    else encoded[key] = value;
  }
  if (goneBeside !== undefined) encoded['goneBeside'] = Object.fromEntries(sorted(goneBeside));
  if (overtook !== undefined) encoded['overtook'] = overtook.map(encodeRotation);
  if (wishes !== undefined) encoded['wishes'] = Object.fromEntries(sorted(wishes as Readonly<Record<string, unknown>>));
  return encoded;
}

/** In one order, whoever made it: the checksum of a record is over its text. */
function sorted<T>(values: Readonly<Record<string, T>>): readonly [string, T][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** @throws {Error} when a field is missing or is none of its kind; the message names it */
export function decodeRotation(encoded: EncodedRotation): RotationInRecord {
  return {
    ...decodeCommon(encoded),
    direction: choice(encoded, 'direction'),
    toIssuing: text(encoded, 'toIssuing'),
    switchEpoch: encoded['switchEpoch'] === undefined ? undefined : positive(encoded['switchEpoch'], 'switchEpoch'),
    leavesEndMs: time(encoded, 'leavesEndMs'),
    distrustAtMs: time(encoded, 'distrustAtMs'),
    ...(encoded['hintSeconds'] === undefined ? {} : { hintSeconds: positive(encoded['hintSeconds'], 'hintSeconds') }),
    ...(encoded['wishes'] === undefined ? {} : { wishes: encoded['wishes'] as RotationWishes }),
  };
}

/** @throws {Error} as `decodeRotation` does */
export function decodeFinished(encoded: EncodedRotation): FinishedRotation {
  return {
    ...decodeCommon(encoded),
    outcome: choice(encoded, 'outcome'),
    finishedAtMs: present(time(encoded, 'finishedAtMs'), 'finishedAt'),
    ...(encoded['overtakenBy'] === undefined ? {} : { overtakenBy: text(encoded, 'overtakenBy') }),
  };
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
    ...(encoded['goneBeside'] === undefined ? {} : { goneBeside: encoded['goneBeside'] as Readonly<Record<string, string>> }),
    ...(Array.isArray(encoded['overtook']) ? { overtook: (encoded['overtook'] as readonly EncodedRotation[]).map(decodeFinished) } : {}),
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
  const at = typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isNaN(at)) throw new Error('a time of the rotation in it does not parse');
  return at;
}

function positive(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw new Error(`${name} is no positive integer`);
  return value;
}

function present(value: number | undefined, name: string): number {
  if (value === undefined) throw new Error(`the rotation in it has no ${name}`);
  return value;
}
