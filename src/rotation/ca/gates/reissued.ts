import type { RotationInRecord } from '../../../authority/index.ts';
import { leavesEndMs } from './drained.ts';
import type { GateJudge, GateView, LeafView, RecordView } from '../types.ts';

/** Reissued: no Secret holds a live leaf below the authority that is replaced. */
export const reissued: GateJudge = (view) => {
  const { observed, record, rotation, nowMs } = view;
  const live = observed.leaves.filter(({ notAfterMs }) => notAfterMs > nowMs || mayReturn(view));
  const old = live.filter((leaf) => isBelowOld(leaf, record, rotation));
  return {
    done: live.length - old.length,
    total: live.length,
    stragglers: old.map(({ kind, namespace, name, problem }) => ({ kind, namespace, name, reason: problem ?? 'its certificate is of the old authority still' })),
    waitsFor: undefined,
    evidence: ['observed'],
    because: 'no Secret holds a live certificate of the old authority',
  };
};

/**
 * Whether a Secret whose leaf has ended counts as well. Where a promise of consumers shortens the drain, it counts from the
 * moment in which no Secret takes any more what a paused replica signed for it: when it was replaced, or when every such leaf has ended.
 */
function mayReturn(view: GateView): boolean {
  return view.rotation.mode === 'Graceful' && view.observed.bounds.reloadIsPromised && view.nowMs < leavesEndMs(view);
}

/**
 * Whether a leaf chains to what is replaced. One of an issuer that nobody knows counts as old: it is to be replaced as well.
 * On the way back every leaf is, also one from before the rotation: a replica that was paused may still have a leaf of the
 * abandoned root in its hands, and only a Secret that was written since refuses it.
 */
export function isBelowOld(leaf: Pick<LeafView, 'issuer'>, record: RecordView, rotation: RotationInRecord): boolean {
  const issuer = record.authorities.find(({ keyIdentifier }) => keyIdentifier === leaf.issuer);
  if (issuer === undefined) return true;
  // An emergency may leave several roots at once.
  if (rotation.what === 'Root') return issuer.root !== rotation.to || (rotation.direction === 'Back' && issuer.state === 'Retiring');
  // Another issuing authority may have had its turn between the two, or after them.
  return issuer.keyIdentifier === rotation.from || (issuer.state === 'Retiring' && issuer.keyIdentifier !== rotation.to);
}
