import type { WorkloadIdentity, WorkloadIdentitySpec } from '../../resources/index.ts';
import type { DeliveredSvid } from '../workload-identity/secret.ts';

type Reload = NonNullable<WorkloadIdentitySpec['reload']>;

/** How pods are called. */
export type HttpCall = NonNullable<Reload['onRenewal']>['http'];

/** What can happen to a Secret that programs want to know. */
export type Occasion = keyof Reload;

/** A change that its pods have to be told of. */
export interface Change {
  readonly occasion: Occasion;
  /** What there is now: the serial number of the certificate, or the generation of the bundle. */
  readonly version: string;
  /** How pods are called; undefined: their workloads are restarted. */
  readonly http: HttpCall | undefined;
}

/** What status says of the last reload of an occasion. */
export type ReloadRecord = Readonly<{ version: string; pods: number; reloaded: number; failing: readonly string[] }>;

/** What an identity asks to be told of. */
export function occasionsOf({ spec: { reload } }: WorkloadIdentity): readonly Occasion[] {
  return (['onRenewal', 'onBundle'] as const).filter((occasion) => reload?.[occasion] !== undefined);
}

/** What an identity wants its pods to be told of, as its Secret is now. */
export function changesOf({ spec }: WorkloadIdentity, svid: Pick<DeliveredSvid, 'serialNumber' | 'bundleGeneration'>): readonly Change[] {
  const { onRenewal, onBundle } = spec.reload ?? {};
  return [
    ...(onRenewal === undefined ? [] : [{ occasion: 'onRenewal', version: svid.serialNumber, http: onRenewal.http } as const]),
    ...(onBundle === undefined ? [] : [{ occasion: 'onBundle', version: String(svid.bundleGeneration), http: onBundle.http } as const]),
  ];
}

/** What status says of it: undefined when it was never told. */
export function recordOf({ status }: WorkloadIdentity, occasion: Occasion): ReloadRecord | undefined {
  if (occasion === 'onRenewal') {
    const record = status?.reload?.onRenewal;
    return record && { version: record.serialNumber, pods: record.pods, reloaded: record.reloaded, failing: record.failing ?? [] };
  }
  const record = status?.reload?.onBundle;
  return record && { version: String(record.bundleGeneration), pods: record.pods, reloaded: record.reloaded, failing: record.failing ?? [] };
}

/** Whether status says that all pods know of a change: then nothing is left to do for it, whichever process has done it. */
export function isTold(record: ReloadRecord | undefined, { version }: Pick<Change, 'version'>): boolean {
  return record?.version === version && record.reloaded === record.pods;
}

/** What a pod is told, JSON: what has happened and to which identity. Nothing in it is secret. */
export function bodyOf({ metadata, status }: WorkloadIdentity, secretName: string, { occasion, version }: Change): string {
  const { namespace = '', name } = metadata;
  const about = occasion === 'onRenewal' ? { event: 'renewal', serialNumber: version } : { event: 'bundle', bundleGeneration: Number(version) };
  return JSON.stringify({ ...about, identity: `${namespace}/${name}`, spiffeID: status?.spiffeID, secret: secretName });
}
