/**
 * A key is in other hands: the record changes at once, whatever rotation is under way. Each change is one
 * compare-and-swap, and idempotent by the uid of the emergency. Nothing that is to be distrusted keeps a key, and what was
 * named a time of distrust before is never trusted for longer.
 */
import { rootBehind, type Authority, type AuthorityRecord, type FinishedRotation, type RotationInRecord } from './record.ts';
import { asFinished, certificateSha256, isOf, own, prepareRoot, switchTo, withGone, withNewBundle, type RotationNames, type Successors } from './rotation.ts';

/**
 * An emergency: the new authorities join and take over in one write, and no other root keeps a key. Those stay in the bundle
 * until `distrustAtMs`, so that who is quick is not broken. A rotation that is under way ends here: what it had prepared is
 * dropped, for whoever read the record has that key too.
 */
export function makeEmergency(record: AuthorityRecord, names: RotationNames, successors: Successors, times: { readonly distrustAtMs: number; readonly leavesEndMs: number }, nowMs: number): AuthorityRecord {
  if (isOf(record, names)) return record;
  const overtook = endedBy(record, names, nowMs);
  const free = withoutRotation(record, times.distrustAtMs);
  const switched = switchTo(prepareRoot(free, names, successors, nowMs), names, times.leavesEndMs, nowMs);
  const rotation: RotationInRecord = { ...own(switched, names), mode: 'Emergency', distrustAtMs: times.distrustAtMs, ...(overtook.length === 0 ? {} : { overtook }) };
  return { ...switched, authorities: switched.authorities.map(withoutKey), rotation };
}

/**
 * An emergency about a root that a rotation is replacing already: the new root stays, the old one loses its key, and what
 * the rotation would wait for is waited for no longer than until `distrustAtMs`.
 */
export function hastenDistrust(record: AuthorityRecord, names: RotationNames, distrustAtMs: number, nowMs: number): AuthorityRecord {
  if (isOf(record, names)) return record;
  const { rotation } = record;
  if (rotation?.what !== 'Root' || rotation.switchedAtMs === undefined || rotation.retiredAtMs !== undefined) throw new Error('invariant broken: only a root that was switched can be distrusted sooner');
  const { wishes: _others, ...rest } = rotation;
  const hastened: RotationInRecord = {
    ...rest,
    uid: names.uid,
    name: names.name,
    mode: 'Emergency',
    direction: 'Forward',
    startedAtMs: nowMs,
    distrustAtMs: Math.min(distrustAtMs, rotation.distrustAtMs ?? Infinity),
    overtook: endedBy(record, names, nowMs),
  };
  return { ...record, authorities: record.authorities.map(withoutKey), rotation: hastened };
}

/** Roots whose own time has come leave the record with everything below them, while the emergency goes on about the others. */
export function distrustSooner(record: AuthorityRecord, names: RotationNames, nowMs: number): AuthorityRecord {
  const rotation = own(record, names);
  const roots = new Set(record.authorities.filter(({ state, distrustAtMs = Infinity }) => state === 'Retiring' && distrustAtMs <= nowMs).map(({ keyIdentifier }) => keyIdentifier));
  if (roots.size === 0) return record;
  const gone = record.authorities.filter((authority) => roots.has(rootBehind(authority)));
  return { ...withNewBundle(record), authorities: record.authorities.filter((authority) => !gone.includes(authority)), rotation: withGone(rotation, gone) };
}

/** The rotation under way as one that has ended, after those that it had put an end to itself. */
function endedBy(record: AuthorityRecord, { name }: RotationNames, nowMs: number): readonly FinishedRotation[] {
  const { rotation } = record;
  if (rotation === undefined) return [];
  const { overtook = [], ...rest } = rotation;
  const dropped = rotation.switchedAtMs === undefined ? { goneSha256: certificateSha256(record, rotation.to) } : {};
  return [...overtook, { ...asFinished({ ...rest, ...dropped }, 'Aborted', nowMs), overtakenBy: name }];
}

/** The record without its rotation. What was to be distrusted before `distrustAtMs` still is. */
function withoutRotation(record: AuthorityRecord, distrustAtMs: number): AuthorityRecord {
  const { rotation, ...rest } = record;
  if (rotation === undefined) return record;
  const prepared = new Set(rotation.switchedAtMs === undefined ? [rotation.to, rotation.toIssuing] : []);
  const soonerMs = rotation.distrustAtMs !== undefined && rotation.distrustAtMs < distrustAtMs ? rotation.distrustAtMs : undefined;
  const authorities = record.authorities
    .filter(({ keyIdentifier }) => !prepared.has(keyIdentifier))
    .map((authority) => (soonerMs !== undefined && authority.role === 'Root' && authority.state === 'Retiring' ? { ...authority, distrustAtMs: Math.min(soonerMs, authority.distrustAtMs ?? Infinity) } : authority));
  return { ...rest, authorities };
}

function withoutKey(authority: Authority): Authority {
  return authority.state === 'Retiring' ? { ...authority, privateKeyPem: undefined } : authority;
}
