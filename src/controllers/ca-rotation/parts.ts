import type { AuthorityRecord } from '../../authority/index.ts';
import type { CARotation } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains } from '../domains.ts';
import type { RotationSight } from './observe.ts';
import type { Reissues } from './reissues.ts';

/** What the reconciler of rotations works with. */
export interface RotationParts extends RotationSight {
  readonly domains: Domains;
  readonly reissues: Reissues;
  /** Has an identity looked at, `namespace/name`. */
  readonly wakeIdentity: (namespace: string, name: string) => void;
  /** Has a trust domain looked at: its record has changed. */
  readonly wakeTrustDomain: (name: string) => void;
  /** Called once a rotation has ended, before its status says so for good: keeps what is to be kept of it. */
  readonly keepReceipt?: (context: ControllerContext, object: CARotation, record: AuthorityRecord) => Promise<NonNullable<NonNullable<CARotation['status']>['receipt']>>;
}
