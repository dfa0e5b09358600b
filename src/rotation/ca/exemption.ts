import type { RotationExemption } from '../../resources/index.ts';
import type { ObjectName } from './types.ts';

/** Whether a person allowed this object to be left behind, at this time. */
export function isExempted(object: ObjectName, exemptions: readonly RotationExemption[], nowMs: number): boolean {
  return exemptions.some(({ kind, namespace, name, untilMs }) => kind === object.kind && name === object.name && (namespace ?? '') === (object.namespace ?? '') && nowMs < untilMs);
}
