import type { RotationWishes } from '../../authority/index.ts';
import type { CARotation } from '../../resources/index.ts';

/** What a person has decided about a rotation: what outlives its CARotation. */
export function wishesOf({ spec: { approvals, approved, pace, exemptions, paused } }: CARotation): RotationWishes {
  return {
    ...(approvals === undefined ? {} : { approvals }),
    ...(approved === undefined ? {} : { approved }),
    ...(pace === undefined ? {} : { pace }),
    ...(exemptions === undefined ? {} : { exemptions }),
    ...(paused === undefined ? {} : { paused }),
  };
}
