import { setCondition, type Condition, type WorkloadIdentity, type WorkloadIdentityStatus } from '../../resources/index.ts';
import { generationIn, type Occasion, type ReloadRecord } from './change.ts';

/** Why nothing can be done for an occasion, or what it waits for. */
export interface Hindrance {
  readonly reason: 'NoPods' | 'PodsOutOfSight' | 'NoSecret' | 'RestartNotAllowed' | 'Waiting';
  readonly message: string;
}

/** What is known of the reloads of an identity. */
export interface KnownReloads {
  readonly records: ReadonlyMap<Occasion, ReloadRecord>;
  readonly hindrances: readonly Hindrance[];
  /** Whether something is under way of which nothing can be said yet: what was said before stays. */
  readonly isOpen: boolean;
}

type Finding = Pick<Condition, 'status' | 'reason' | 'message'>;

/** The condition that says whether pods know of what has changed. */
export const reloadedCondition = 'Reloaded';

/** The status of an identity with what is known of its reloads; what is no longer asked for is gone from it. */
export function withReload(identity: WorkloadIdentity, known: KnownReloads, nowMs: number): WorkloadIdentityStatus {
  const { records } = known;
  const { reload: before, ...rest } = identity.status ?? {};
  const time = (occasion: Occasion, record: ReloadRecord): string => (sameRecord(before, occasion, record) ? (before?.[occasion]?.time ?? '') : new Date(Math.floor(nowMs / 1000) * 1000).toISOString().replace('.000Z', 'Z'));
  const entry = (occasion: Occasion, record: ReloadRecord) => ({
    time: time(occasion, record),
    pods: record.pods,
    reloaded: record.reloaded,
    ...(record.failing.length === 0 ? {} : { failing: record.failing }),
  });
  const [onRenewal, onBundle] = [records.get('onRenewal'), records.get('onBundle')];
  const reload = {
    ...(onRenewal === undefined ? {} : { onRenewal: { serialNumber: onRenewal.version, ...entry('onRenewal', onRenewal) } }),
    ...(onBundle === undefined ? {} : { onBundle: { bundleGeneration: generationIn(onBundle.version), ...(onBundle.version.startsWith('/') ? {} : { version: onBundle.version }), ...entry('onBundle', onBundle) } }),
  };
  const said = rest.conditions?.find(({ type }) => type === reloadedCondition);
  const finding = known.isOpen && known.hindrances.length === 0 && said !== undefined ? said : findingOf(known);
  const conditions = (rest.conditions ?? []).filter((condition) => finding !== undefined || condition.type !== reloadedCondition);
  return {
    ...rest,
    ...(records.size === 0 ? {} : { reload }),
    conditions: finding === undefined ? conditions : [...setCondition(conditions, { type: reloadedCondition, status: finding.status, reason: finding.reason, message: finding.message, observedGeneration: identity.metadata.generation ?? 1 }, nowMs)],
  };
}

function sameRecord(before: WorkloadIdentityStatus['reload'], occasion: Occasion, record: ReloadRecord): boolean {
  const known = before?.[occasion];
  return versionIn(before, occasion) === record.version && known?.pods === record.pods && known.reloaded === record.reloaded && (known.failing ?? []).join('\n') === record.failing.join('\n');
}

function versionIn(before: WorkloadIdentityStatus['reload'], occasion: Occasion): string | undefined {
  if (occasion === 'onRenewal') return before?.onRenewal?.serialNumber;
  return before?.onBundle?.version ?? `/${before?.onBundle?.bundleGeneration ?? ''}`;
}

const what: Readonly<Record<Occasion, string>> = { onRenewal: 'the new certificate', onBundle: 'the changed roots' };

function findingOf({ records, hindrances: [hindrance] }: KnownReloads): Finding | undefined {
  const failing = [...records].filter(([, { pods, reloaded }]) => reloaded < pods);
  if (failing.length > 0) {
    const message = failing.map(([occasion, { pods, reloaded, failing: lines }]) => `${pods - reloaded} of ${pods} pods could not be told of ${what[occasion]} (${lines.join('; ')}); look at spec.reload.${occasion} and at the pods`);
    return { status: 'False', reason: 'PodsFailing', message: `${message.join('; ')}. They are called again every five minutes` };
  }
  if (hindrance !== undefined) return { status: 'False', ...hindrance };
  if (records.size === 0) return undefined;
  return { status: 'True', reason: 'Reloaded', message: [...records].map(([occasion, { pods }]) => `${pods} pods know of ${what[occasion]}`).join('; ') };
}
