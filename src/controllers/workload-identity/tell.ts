import type { WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { Blocker } from './plan.ts';

type Told = Pick<ControllerContext, 'events' | 'audit' | 'log'>;

/** Tells, once and not at every try, what stands in the way of an identity. `identity` is as it was before its status changed. */
export function tellBlocker({ events, audit, log }: Told, identity: WorkloadIdentity, blocker: Blocker | undefined): void {
  if (blocker === undefined) return;
  const before = identity.status?.conditions?.find((condition) => condition.type === 'Issued');
  if (before?.reason === blocker.reason && before.message === blocker.message) return;
  const { namespace = '', name } = identity.metadata;
  const summary = blocker.summary ?? blocker.message;
  events.record(identity, { type: 'Warning', reason: blocker.reason, message: blocker.message });
  if (blocker.reason === 'Denied') audit.record({ decision: 'refused', object: `WorkloadIdentity ${namespace}/${name}`, reason: summary });
  log.warn(summary, { identity: `${namespace}/${name}`, reason: blocker.reason });
}

/** Tells once that the password of a keystore cannot be used. `identity` is as it was before its status changed. */
export function tellPassword({ events, log }: Told, identity: WorkloadIdentity, { reason, message }: { readonly reason: string; readonly message: string }): void {
  if (identity.status?.conditions?.some((condition) => condition.type === 'Formats' && condition.reason === reason) === true) return;
  const { namespace = '', name } = identity.metadata;
  events.record(identity, { type: 'Warning', reason, message });
  log.warn(message, { identity: `${namespace}/${name}`, reason });
}
