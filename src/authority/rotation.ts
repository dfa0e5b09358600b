/**
 * Rotating an authority, as changes from one record to the next. Each is one compare-and-swap with the rotation itself in
 * the same write, and idempotent by the rotation's uid: whoever repeats a step after a crash gets the record as it is. A
 * step that would take from the living what they need is refused, whoever asks for it.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { MtlsdError } from '../errors/index.ts';
import { makeIssuing, makeRoot, retire, type AuthoritySpec, type AuthorityTools } from './change.ts';
import { activeAuthority, rootBehind, type Authority, type AuthorityRecord, type FinishedRotation, type RotationInRecord, type RotationWishes } from './record.ts';

/** Whose rotation it is. */
export type RotationNames = Pick<RotationInRecord, 'uid' | 'name'>;

/** The authorities that are to take over. */
export interface Successors {
  /** Undefined when only the issuing authority is rotated. */
  readonly root: Authority | undefined;
  readonly issuing: Authority;
}

/**
 * Makes what is to take over: another root with an issuing authority below it, or an issuing authority below the root in
 * use. They are Prepared: in bundles (a root), but signing nothing.
 */
export async function prepareSuccessors(
  record: AuthorityRecord,
  what: RotationInRecord['what'],
  specs: { readonly root: AuthoritySpec; readonly issuing: AuthoritySpec },
  nowMs: number,
  tools: AuthorityTools,
): Promise<Successors> {
  const root = what === 'Root' ? await makeRoot(record.trustDomain, specs.root, nowMs, tools) : undefined;
  const issuing = await makeIssuing(record.trustDomain, root ?? activeAuthority(record, 'Root'), specs.issuing, nowMs, tools);
  return { root: root === undefined ? undefined : { ...root, state: 'Prepared' }, issuing: { ...issuing, state: 'Prepared' } };
}

/** The new root joins the bundle, with an issuing authority below it; neither signs anything yet. */
export function prepareRoot(record: AuthorityRecord, names: RotationNames, { root, issuing }: Successors, nowMs: number): AuthorityRecord {
  if (isOf(record, names)) return record;
  if (root === undefined) throw new Error('invariant broken: another root is needed');
  const rotation = begin(record, names, 'Root', root.keyIdentifier, issuing.keyIdentifier, nowMs);
  const next = withNewBundle(record);
  return { ...next, authorities: [...record.authorities, { ...root, sinceGeneration: next.bundleGeneration }, issuing], rotation };
}

/** A new issuing authority below the root in use. Bundles do not change. */
export function prepareIssuing(record: AuthorityRecord, names: RotationNames, { issuing }: Successors, nowMs: number): AuthorityRecord {
  if (isOf(record, names)) return record;
  const rotation = begin(record, names, 'Issuing', issuing.keyIdentifier, issuing.keyIdentifier, nowMs);
  return { ...record, authorities: [...record.authorities, issuing], rotation };
}

/** Another issuing authority in place of a Prepared one that has waited for too long. */
export function renewPrepared(record: AuthorityRecord, names: RotationNames, issuing: Authority): AuthorityRecord {
  const rotation = own(record, names);
  if (rotation.switchedAtMs !== undefined) return record;
  const authorities = [...record.authorities.filter(({ keyIdentifier }) => keyIdentifier !== rotation.toIssuing), { ...issuing, state: 'Prepared' as const }];
  const to = rotation.what === 'Issuing' ? issuing.keyIdentifier : rotation.to;
  return { ...record, authorities, rotation: { ...rotation, to, toIssuing: issuing.keyIdentifier } };
}

/** An abort before the switch: what was prepared goes, and the rotation with it. */
export function dropPrepared(record: AuthorityRecord, names: RotationNames, nowMs: number): AuthorityRecord {
  if (!isOf(record, names)) return record;
  const rotation = own(record, names);
  if (rotation.switchedAtMs !== undefined) throw new Error('invariant broken: what has taken over cannot be dropped');
  const gone = new Set([rotation.to, rotation.toIssuing]);
  const authorities = record.authorities.filter((authority) => !gone.has(authority.keyIdentifier));
  const changed = rotation.what === 'Root' ? withNewBundle(record) : record;
  return finished({ ...changed, authorities }, { ...rotation, goneSha256: certificateSha256(record, rotation.to) }, 'Aborted', nowMs);
}

/**
 * The prepared authorities take over. The issuing authority before loses its key at once; a root keeps it, so that the
 * rotation can go back. From here on nothing is signed below the old root.
 * @param leavesEndMs when the last leaf below it ends, as far as is known
 */
export function switchTo(record: AuthorityRecord, names: RotationNames, leavesEndMs: number, nowMs: number): AuthorityRecord {
  const rotation = own(record, names);
  if (rotation.switchedAtMs !== undefined) return record;
  const authorities = record.authorities.map((authority) => takeTurns(authority, rotation, nowMs));
  const switchEpoch = record.signerEpoch + 1;
  return { ...record, signerEpoch: switchEpoch, authorities, rotation: { ...rotation, switchedAtMs: nowMs, switchEpoch, leavesEndMs } };
}

/**
 * An abort after the switch: the old root takes over again with a new issuing authority, and what had replaced it is
 * drained in its turn. Both roots stay in the bundle until then.
 * @param issuing a new issuing authority below the old root
 */
export function switchBack(record: AuthorityRecord, names: RotationNames, issuing: Authority, leavesEndMs: number, nowMs: number): AuthorityRecord {
  const rotation = own(record, names);
  if (rotation.direction === 'Back' || rotation.retiredAtMs !== undefined) return record;
  if (rotation.what !== 'Root' || rotation.switchedAtMs === undefined) throw new Error('invariant broken: only a root that was switched can be switched back');
  const back: RotationInRecord = { ...rotation, direction: 'Back', from: rotation.to, to: rotation.from, toIssuing: issuing.keyIdentifier };
  const authorities = [...record.authorities, { ...issuing, state: 'Prepared' as const }].map((authority) => takeTurns(authority, back, nowMs));
  const switchEpoch = record.signerEpoch + 1;
  return { ...record, signerEpoch: switchEpoch, authorities, rotation: { ...back, switchedAtMs: nowMs, switchEpoch, leavesEndMs } };
}

/**
 * The authority that was replaced leaves the record with everything below it: the live key is deleted, and a root leaves
 * the bundle.
 * @param needed objects that hold a live leaf below it, none of them exempted: then it stays
 * @throws AUTHORITY_STILL_NEEDED naming the first of them
 */
export function retireFrom(record: AuthorityRecord, names: RotationNames, needed: readonly string[], nowMs: number): AuthorityRecord {
  const rotation = own(record, names);
  if (rotation.retiredAtMs !== undefined) return record;
  if (rotation.switchedAtMs === undefined) throw new Error('invariant broken: an authority in use cannot be retired');
  const [first, ...others] = needed;
  if (first !== undefined) throw stillNeeded(record, rotation.from, first, others.length);
  const gone = record.authorities.filter((authority) => isRetired(authority, rotation));
  if (gone.some(({ state }) => state !== 'Retiring')) throw new Error('invariant broken: only a Retiring authority may be retired');
  const authorities = record.authorities.filter((authority) => !gone.includes(authority));
  const left = { ...rotation, retiredAtMs: nowMs, goneSha256: certificateSha256(record, rotation.from) };
  return { ...(rotation.what === 'Root' ? withNewBundle(record) : record), authorities, rotation: withGone(left, gone) };
}

/** The rotation has ended; what became of it stays. */
export function finishRotation(record: AuthorityRecord, names: RotationNames, outcome: 'Complete' | 'Aborted', nowMs: number): AuthorityRecord {
  if (!isOf(record, names)) return record;
  const rotation = own(record, names);
  if (rotation.retiredAtMs === undefined) throw new Error('invariant broken: a rotation ends once the old authority is gone');
  return finished(record, rotation, outcome, nowMs);
}

/** The CARotation was made anew (its object was deleted while it was under way): the rotation goes on under its new uid. */
export function adoptRotation(record: AuthorityRecord, names: RotationNames): AuthorityRecord {
  if (record.rotation === undefined || record.rotation.name !== names.name) throw new Error('invariant broken: only a rotation of the same name is adopted');
  return { ...record, rotation: { ...record.rotation, uid: names.uid } };
}

/** The record with the longest refresh hint that readers may have been told, seconds; the same record when it has that already. */
export function keepHint(record: AuthorityRecord, names: RotationNames, hintSeconds: number): AuthorityRecord {
  const rotation = own(record, names);
  if (rotation.hintSeconds !== undefined && rotation.hintSeconds >= hintSeconds) return record;
  return { ...record, rotation: { ...rotation, hintSeconds } };
}

/** The record with what a person has decided about its rotation; the same record when it has that already. */
export function keepWishes(record: AuthorityRecord, names: RotationNames, wishes: RotationWishes): AuthorityRecord {
  const { wishes: before, ...rotation } = own(record, names);
  if (isDeepStrictEqual(before ?? {}, wishes)) return record;
  return { ...record, rotation: Object.keys(wishes).length === 0 ? rotation : { ...rotation, wishes } };
}

/**
 * A restored record that an operator accepts although newer traces exist: its counters go on from those, so that no reader
 * sees them go back.
 */
export function acceptRestored(record: AuthorityRecord, seen: { readonly signerEpoch: number; readonly bundleGeneration: number }): AuthorityRecord {
  const ahead = Math.max(0, seen.bundleGeneration - record.bundleGeneration) + 1;
  const bundleGeneration = record.bundleGeneration + ahead;
  return {
    ...record,
    signerEpoch: Math.max(record.signerEpoch, seen.signerEpoch) + 1,
    bundleGeneration,
    // What was delivered in between may hold none of them.
    authorities: record.authorities.map((authority) => (authority.role === 'Root' ? { ...authority, sinceGeneration: bundleGeneration } : authority)),
    bundleSequence: record.bundleSequence + BigInt(ahead),
  };
}

export function isOf(record: AuthorityRecord, { uid }: RotationNames): boolean {
  return record.rotation?.uid === uid;
}

export function own(record: AuthorityRecord, names: RotationNames): RotationInRecord {
  if (record.rotation === undefined || !isOf(record, names)) throw new Error(`invariant broken: CARotation ${names.name} is not the one under way`);
  return record.rotation;
}

function begin(record: AuthorityRecord, { uid, name }: RotationNames, what: RotationInRecord['what'], to: string, toIssuing: string, nowMs: number): RotationInRecord {
  if (record.rotation !== undefined) throw new Error(`invariant broken: CARotation ${record.rotation.name} is under way already`);
  const from = activeAuthority(record, what).keyIdentifier;
  const later = { switchedAtMs: undefined, switchEpoch: undefined, leavesEndMs: undefined, distrustAtMs: undefined, retiredAtMs: undefined };
  return { uid, name, what, mode: 'Graceful', direction: 'Forward', from, to, toIssuing, startedAtMs: nowMs, ...later };
}

/** What was active retires, what is to follow becomes active, everything else stays. */
function takeTurns(authority: Authority, rotation: RotationInRecord, nowMs: number): Authority {
  const { keyIdentifier, role, state } = authority;
  if (keyIdentifier === rotation.to || keyIdentifier === rotation.toIssuing) return { ...authority, state: 'Active', retiredAtMs: undefined };
  if (state !== 'Active' || (role === 'Root' && rotation.what === 'Issuing')) return authority;
  return role === 'Root' ? { ...authority, state: 'Retiring', retiredAtMs: nowMs } : retire(authority, nowMs);
}

/** Whether an authority goes when `from` retires. Of a root: all that is not of the one that took over, for an emergency may leave several. */
function isRetired(authority: Authority, rotation: RotationInRecord): boolean {
  return rotation.what === 'Root' ? rootBehind(authority) !== rotation.to : authority.keyIdentifier === rotation.from;
}

/** Notes the roots among these that nobody else knows any more. */
export function withGone(rotation: RotationInRecord, gone: readonly Authority[]): RotationInRecord {
  const others = gone.filter(({ role, keyIdentifier }) => role === 'Root' && keyIdentifier !== rotation.from);
  if (others.length === 0) return rotation;
  return { ...rotation, goneBeside: { ...rotation.goneBeside, ...Object.fromEntries(others.map(({ keyIdentifier, certificate }) => [keyIdentifier, sha256(certificate)])) } };
}

function finished(record: AuthorityRecord, rotation: RotationInRecord, outcome: 'Complete' | 'Aborted', nowMs: number): AuthorityRecord {
  const { rotation: _ended, ...rest } = record;
  return { ...rest, lastRotation: asFinished(rotation, outcome, nowMs) };
}

/** What stays of a rotation that has ended. */
export function asFinished(rotation: RotationInRecord, outcome: 'Complete' | 'Aborted', nowMs: number): FinishedRotation {
  const { uid, name, what, mode, from, to, startedAtMs, switchedAtMs, retiredAtMs, goneSha256, goneBeside, overtook } = rotation;
  const known = { ...(goneSha256 === undefined ? {} : { goneSha256 }), ...(goneBeside === undefined ? {} : { goneBeside }), ...(overtook === undefined ? {} : { overtook }) };
  return { uid, name, what, mode, from, to, startedAtMs, switchedAtMs, retiredAtMs, ...known, outcome, finishedAtMs: nowMs };
}

export function certificateSha256(record: AuthorityRecord, name: string): string | undefined {
  const found = record.authorities.find(({ keyIdentifier }) => keyIdentifier === name);
  return found === undefined ? undefined : sha256(found.certificate);
}

function sha256({ der }: Authority['certificate']): string {
  return createHash('sha256').update(der).digest('hex');
}

export function withNewBundle(record: AuthorityRecord): AuthorityRecord {
  return { ...record, bundleGeneration: record.bundleGeneration + 1, bundleSequence: record.bundleSequence + 1n };
}

function stillNeeded({ trustDomain }: AuthorityRecord, authority: string, first: string, others: number): MtlsdError<'AUTHORITY_STILL_NEEDED'> {
  const more = others === 0 ? '' : ` and ${others} more`;
  return new MtlsdError('AUTHORITY_STILL_NEEDED', `authority ${authority} of ${trustDomain} is still needed by ${first}${more}: it was not retired`, { details: { trustDomain, object: first } });
}
