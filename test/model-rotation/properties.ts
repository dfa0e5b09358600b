/** What must hold in every state. */
import type { Records } from './records.ts';
import { at, contentOf, flagsOf, readerOf, workloads, type Row } from './state.ts';

/**
 * The invariant of rotations that nobody hurries: the root of every live leaf that somebody presents, or may present after a
 * restart, is in every bundle that somebody verifies with, or may after a restart.
 */
export function untrustedLeaf(row: Row, records: Records): string | undefined {
  for (const holder of workloads) {
    for (const [how, packed] of [['presents', row[at.loaded(holder)]], ['was given', row[at.delivered(holder)]]] as const) {
      const { issuer, left } = contentOf(packed ?? 0);
      if (left === 0) continue;
      const root = records.rootOf(issuer);
      for (const verifier of workloads) {
        for (const [where, bundle] of [['trusts', row[at.loaded(verifier)]], ['was given', row[at.delivered(verifier)]]] as const) {
          if ((contentOf(bundle ?? 0).roots & root) === 0) return `p${holder} ${how} a leaf below root ${rootLetters(root)}, which is not in the bundle that p${verifier} ${where}`;
        }
      }
      const fetched = row[at.reader] ?? 0;
      if (fetched !== 0 && (readerOf(fetched).roots & root) === 0) return `p${holder} ${how} a leaf below root ${rootLetters(root)}, which is not in the bundle that the reader fetched`;
    }
  }
  return undefined;
}

/** Of a rotation that has ended: nothing carries a root any more that has left the record. */
export function stillCarried(row: Row, records: Records): string | undefined {
  const { record, roots } = records.at(row[at.record] ?? 0);
  // What was only prepared and given up again is withdrawn in its own time: nothing was ever signed below it.
  if (record.rotation !== undefined || record.lastRotation?.retiredAtMs === undefined) return undefined;
  const carrying = workloads.find((workload) => (contentOf(row[at.secret(workload)] ?? 0).roots & ~roots) !== 0);
  return carrying === undefined ? undefined : `the rotation has ended, and w${carrying} still carries a root that was retired`;
}

/** Where only an issuing authority is rotated, none leaves the record before the last leaf that it signed has ended. */
export function forsakenLeaf(row: Row, records: Records): string | undefined {
  const { view } = records.at(row[at.record] ?? 0);
  for (const workload of workloads) {
    for (const place of [at.secret, at.delivered, at.loaded]) {
      const { issuer, left } = contentOf(row[place(workload)] ?? 0);
      if (left === 0 || view.authorities.some(({ keyIdentifier }) => keyIdentifier === records.issuerName(issuer))) continue;
      return `an authority has left the record, and p${workload} has a leaf of it that lives`;
    }
  }
  return undefined;
}

/** In every record one authority of each role signs, and in an emergency nothing that is distrusted has a key. */
export function ruledByTwo(row: Row, records: Records): string | undefined {
  const { record } = records.at(row[at.record] ?? 0);
  const active = record.authorities.filter(({ state }) => state === 'Active').map(({ role }) => role);
  if (active.length !== 2 || active[0] === active[1]) return `the record has as active authorities: ${active.join(', ')}`;
  const isKept = record.rotation?.mode === 'Emergency' && record.authorities.some(({ state, privateKeyPem }) => state === 'Retiring' && privateKeyPem !== undefined);
  return isKept ? 'an emergency is under way, and what is distrusted has its key' : undefined;
}

/** Whether anybody still has a bundle in which a root stands that has left the record. */
export function trustsDistrusted(row: Row, records: Records): boolean {
  const { roots } = records.at(row[at.record] ?? 0);
  const holds = (packed: number | undefined): boolean => (contentOf(packed ?? 0).roots & ~roots) !== 0;
  return workloads.some((workload) => [at.secret, at.delivered, at.loaded].some((place) => holds(row[place(workload)])));
}

/** After a restore nobody acts on a record that is older than what was delivered, until an operator has chosen. */
export function actsOnOlder(row: Row, generation: number, what: string): string | undefined {
  const { restored, accepted } = flagsOf(row[at.flags] ?? 0);
  if (!restored || accepted !== 0 || generation >= newestDelivered(row)) return undefined;
  return `${what} from a record with generation ${generation} of the bundle, and a newer one was delivered; nobody has chosen that`;
}

/** The newest generation that is in anybody's hands. */
export function newestDelivered(row: Row): number {
  return Math.max(...workloads.flatMap((workload) => [at.secret, at.delivered, at.loaded].map((place) => contentOf(row[place(workload)] ?? 0).generation)));
}

/** `AB`: the roots of these bits. */
export function rootLetters(bits: number): string {
  return ['A', 'B', 'C'].filter((_, index) => (bits & (1 << index)) !== 0).join('');
}
