import { raiseReservations, reservedMs, type AuthorityRecord, type KnownReservation, type KnownReservations } from '../../authority/index.ts';
import type { TrustDomain } from '../../resources/index.ts';
import type { TrustDomainName } from '../../spiffe/index.ts';
import type { ControllerContext } from '../context.ts';
import { deliveredBy, isOlder } from './older-record.ts';
import { loadRecord, saveRecord, type LoadedRecord } from './record-store.ts';

/**
 * A restore may put a record back that differs from the newest in its reservations alone: of the leaves that were signed since,
 * nobody would know then when they end, and a drain would be too short. Reservations only rise, so whoever knows of a later end
 * writes it back, before anything is decided by that record. Known they are to status, and to the memory of who signed by them.
 */

/** What the status of a trust domain says to be reserved. */
function reservedByStatus({ status }: Pick<TrustDomain, 'status'>): KnownReservations {
  const known = new Map<string, KnownReservation>();
  for (const { keyIdentifier, root = '', reserved } of status?.authorities ?? []) {
    const ends = Object.entries(reserved ?? {}).map(([channel, end]) => [channel, Date.parse(end)] as const);
    known.set(keyIdentifier, { root, ends: Object.fromEntries(ends.filter(([, ms]) => !Number.isNaN(ms))) });
  }
  return known;
}

/** What was loaded, with every end in it that is known from elsewhere to be later. @param remembered as it was before it was loaded */
export function withKnownReservations(loaded: LoadedRecord, object: Pick<TrustDomain, 'status'>, remembered: KnownReservations, nowMs: number): LoadedRecord {
  const { state } = loaded;
  if (state.kind !== 'loaded') return loaded;
  const record = raiseReservations(raiseReservations(state.record, reservedByStatus(object), nowMs), remembered, nowMs);
  return record === state.record ? loaded : { ...loaded, state: { kind: 'loaded', record } };
}

/**
 * Loads the record of a trust domain once nothing is lost in it: what is known to be reserved beyond it is written back first,
 * unless the record is not in force anyway.
 * @param known what was loaded last
 * @throws STORE_…
 */
export async function loadHealed(context: ControllerContext, trustDomain: TrustDomainName, object: TrustDomain, known: LoadedRecord | undefined): Promise<LoadedRecord> {
  for (;;) {
    const remembered = context.reserved.latest();
    const loaded = await loadRecord(context, trustDomain, known);
    if (loaded.state.kind === 'loaded') context.reserved.note(loaded.state.record, context.clock.nowMs());
    const { state } = withKnownReservations(loaded, object, remembered, context.clock.nowMs());
    if (state === loaded.state || state.kind !== 'loaded' || isOlder(state.record, deliveredBy(object))) return loaded;
    await saveRecord(context, state.record, loaded.precondition);
    tellHealed(context, object, state.record);
  }
}

function tellHealed(context: ControllerContext, object: TrustDomain, record: AuthorityRecord): void {
  const message = `${context.recordLocation(object.metadata.name)} knew less than was signed by it, as after a restore: until when certificates may live that are in no Secret was written back (${ends(record)})`;
  context.events.record(object, { type: 'Warning', reason: 'ReservationsRestored', message });
}

function ends({ authorities }: AuthorityRecord): string {
  const channels = ['pod-certificate', 'csr'] as const;
  return authorities
    .flatMap((authority) => channels.flatMap((channel) => reservedMs(authority, channel) ?? []))
    .map((ms) => new Date(ms).toISOString())
    .join(', ');
}
