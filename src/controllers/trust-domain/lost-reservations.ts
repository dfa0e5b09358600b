import { raiseReservations, reservedMs, type AuthorityRecord, type KnownReservations } from '../../authority/index.ts';
import type { TrustDomain } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import { deliveredBy, isOlder } from './older-record.ts';
import { saveRecord, type LoadedRecord } from './record-store.ts';

/**
 * A restore may put a record back that differs from the newest in its reservations alone: of the leaves that were signed since,
 * nobody would know then when they end, and a drain would be too short. Reservations only rise, so whoever knows of a later end
 * writes it back, before anything is decided by that record. Known they are to status, and to the memory of who signed by them.
 */

/** What the status of a trust domain says to be reserved. */
function reservedByStatus({ status }: Pick<TrustDomain, 'status'>): KnownReservations {
  const known = new Map<string, Readonly<Record<string, number>>>();
  for (const { keyIdentifier, reserved } of status?.authorities ?? []) {
    const ends = Object.entries(reserved ?? {}).map(([channel, end]) => [channel, Date.parse(end)] as const);
    known.set(keyIdentifier, Object.fromEntries(ends.filter(([, ms]) => !Number.isNaN(ms))));
  }
  return known;
}

/** What was loaded, with every end in it that is known from elsewhere to be later. @param remembered as it was before it was loaded */
export function withKnownReservations(loaded: LoadedRecord, object: Pick<TrustDomain, 'status'>, remembered: KnownReservations): LoadedRecord {
  const { state } = loaded;
  if (state.kind !== 'loaded') return loaded;
  const record = raiseReservations(raiseReservations(state.record, reservedByStatus(object)), remembered);
  return record === state.record ? loaded : { ...loaded, state: { kind: 'loaded', record } };
}

/** Writes back what the record has lost, unless it is not in force anyway. Returns whether it had lost anything. @throws STORE_… */
export async function healReservations(context: ControllerContext, object: TrustDomain, loaded: LoadedRecord, remembered: KnownReservations): Promise<boolean> {
  const healed = withKnownReservations(loaded, object, remembered);
  if (healed === loaded || healed.state.kind !== 'loaded' || isOlder(healed.state.record, deliveredBy(object))) return false;
  await saveRecord(context, healed.state.record, loaded.precondition);
  context.events.record(object, {
    type: 'Warning',
    reason: 'ReservationsRestored',
    message: `${context.recordLocation(object.metadata.name)} knew less than was signed by it, as after a restore: until when certificates may live that are in no Secret was written back (${ends(healed.state.record)})`,
  });
  return true;
}

function ends({ authorities }: AuthorityRecord): string {
  const channels = ['pod-certificate', 'csr'] as const;
  return authorities
    .flatMap((authority) => channels.flatMap((channel) => reservedMs(authority, channel) ?? []))
    .map((ms) => new Date(ms).toISOString())
    .join(', ');
}
