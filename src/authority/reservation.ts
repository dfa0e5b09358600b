import { rootBehind, type Authority, type AuthorityRecord } from './record.ts';

/**
 * How far an authority may have signed, where nobody keeps the leaves. A leaf in a Secret can be looked at; one that went out
 * through a channel of its own cannot. So before such a leaf is signed, the end up to which leaves may live is written into
 * the authority record, in coarse steps: one write covers every leaf of the next ten minutes, and whoever drains the authority
 * waits for one time that cannot be too early. It stands in the record because the record changes by compare-and-swap: once
 * an authority retires, nothing can be reserved for it any more.
 */

/** The ways by which leaves leave without a record of each. */
export type Channel = 'pod-certificate' | 'csr';

/** Reservations are multiples of this: a write every ten minutes at the most, and a drain is longer by twenty at the most. */
const stepMs = 600_000;

/**
 * The reservation to write before a leaf that ends at `wantedMs` is signed: the one that is there when it covers it, else one
 * step or two beyond. Whoever computes it at about the same time gets the same. Milliseconds since the epoch.
 */
function nextReservation(reservedMs: number | undefined, wantedMs: number): number {
  if (reservedMs !== undefined && reservedMs >= wantedMs) return reservedMs;
  return (Math.floor(wantedMs / stepMs) + 2) * stepMs;
}

/** The latest end that an authority has been given for one channel; undefined: nothing was signed for it. */
export function reservedMs(authority: Authority, channel: Channel): number | undefined {
  return authority.reserved?.[channel];
}

/**
 * The record in which leaves of `channel` may live until `wantedMs`; the same record when they may already. Undefined when
 * that authority signs no leaves (any more).
 */
export function reserve(record: AuthorityRecord, keyIdentifier: string, channel: Channel, wantedMs: number): AuthorityRecord | undefined {
  const signer = record.authorities.find((authority) => authority.keyIdentifier === keyIdentifier);
  if (signer?.role !== 'Issuing' || signer.state !== 'Active') return undefined;
  const before = reservedMs(signer, channel);
  const next = nextReservation(before, wantedMs);
  if (next === before) return record;
  const reserved = { ...signer.reserved, [channel]: next };
  return { ...record, authorities: record.authorities.map((authority) => (authority === signer ? { ...signer, reserved } : authority)) };
}

/** What is reserved for an authority, as somebody knows it. */
export interface KnownReservation {
  /** Key identifier of the root that it chains to. */
  readonly root: string;
  /** By channel, milliseconds since the epoch. */
  readonly ends: Readonly<Record<string, number>>;
}

/** By key identifier of the authority. */
export type KnownReservations = ReadonlyMap<string, KnownReservation>;

/**
 * The record with every end in it at least as late as is known from elsewhere; the same record when it is. Ends only ever rise,
 * so what is lower in the record was put there by a restore. An authority that a restore has taken out of it altogether (a
 * turn-over that was lost) leaves its ends to another one below its root. None is later than a certificate that bounds it.
 */
export function raiseReservations(record: AuthorityRecord, known: KnownReservations, nowMs: number): AuthorityRecord {
  const names = new Set(record.authorities.map(({ keyIdentifier }) => keyIdentifier));
  const lost = [...known].filter(([name, { ends }]) => !names.has(name) && Object.values(ends).some((ms) => ms > nowMs + 2 * stepMs)).map(([, reservation]) => reservation);
  const authorities = record.authorities.map((authority) => {
    const own = raised(authority, known.get(authority.keyIdentifier)?.ends ?? {}, authority.certificate.notAfterMs);
    return lost.filter(({ root }) => heirOf(record, root) === authority).reduce((each, { root, ends }) => raised(each, ends, endOf(record, root)), own);
  });
  return authorities.every((authority, index) => authority === record.authorities[index]) ? record : { ...record, authorities };
}

function raised(authority: Authority, known: KnownReservation['ends'], notAfterMs: number): Authority {
  const later = Object.entries(known)
    .map(([channel, ms]) => [channel, Math.min(ms, notAfterMs + 2 * stepMs)] as const)
    .filter(([channel, ms]) => ms > (authority.reserved?.[channel] ?? 0));
  return later.length === 0 ? authority : { ...authority, reserved: { ...authority.reserved, ...Object.fromEntries(later) } };
}

/** Who carries on what was reserved for an authority below `root` that is gone: the one that signs there, else one that did. */
function heirOf({ authorities }: AuthorityRecord, root: string): Authority | undefined {
  const below = authorities.filter((authority) => authority.role === 'Issuing' && authority.state !== 'Prepared' && rootBehind(authority) === root);
  return below.find(({ state }) => state === 'Active') ?? below[0];
}

function endOf({ authorities }: AuthorityRecord, root: string): number {
  return authorities.find(({ keyIdentifier }) => keyIdentifier === root)?.certificate.notAfterMs ?? 0;
}

/**
 * The time after which no leaf of this authority lives that left through any channel, milliseconds since the epoch;
 * undefined when none ever did. It may rise as long as the authority is Active, and never once it is Retiring: a drain reads
 * it from the record that says so.
 */
export function latestNotAfterMs(authority: Authority): number | undefined {
  const ends = Object.values(authority.reserved ?? {});
  return ends.length === 0 ? undefined : Math.max(...ends);
}
