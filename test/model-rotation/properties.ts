/** What must hold in every state. */
import type { Records } from './records.ts';
import { at, contentOf, workloads, type Row } from './state.ts';

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
          if ((contentOf(bundle ?? 0).roots & root) === 0) return `p${holder} ${how} a leaf below root ${'AB'[root - 1] ?? ''}, which is not in the bundle that p${verifier} ${where}`;
        }
      }
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
