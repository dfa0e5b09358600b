import { hash } from 'node:crypto';
import { labels, type WorkloadIdentity, type WorkloadIdentitySpec } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import { deliveredFederated } from '../workload-identity/federated.ts';
import type { DeliveredSvid } from '../workload-identity/secret.ts';

type Reload = NonNullable<WorkloadIdentitySpec['reload']>;

/** How pods are called. */
export type HttpCall = NonNullable<Reload['onRenewal']>['http'];

/** What can happen to a Secret that programs want to know. */
export type Occasion = keyof Reload;

/** A change that its pods have to be told of. */
export interface Change {
  readonly occasion: Occasion;
  /** What there is now: the serial number of the certificate, or which roots are mounted (see `rootsVersion`). */
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

/**
 * Names the roots in a Secret: `shop.example/4`, the trust domain and the generation of its bundle; where roots of other trust
 * domains are mounted beside them, with a digest of their files: `shop.example/4+0f3a…`.
 */
function rootsVersion(secret: SecretMetadata, { bundleGeneration }: Pick<DeliveredSvid, 'bundleGeneration'>): string {
  const others = Object.entries(deliveredFederated(secret)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const own = `${secret.metadata.labels?.[labels.trustDomain] ?? ''}/${bundleGeneration}`;
  return others.length === 0 ? own : `${own}+${hash('sha256', JSON.stringify(others)).slice(0, 16)}`;
}

/** The generation of the bundle in the name of roots. */
export function generationIn(version: string): number {
  return Number(/\/(\d+)/u.exec(version)?.[1] ?? 0);
}

/** Whether two versions differ in roots of other trust domains alone: how often those change is up to others. */
export function differInOthersAlone(a: string, b: string): boolean {
  return a !== b && a.split('+')[0] === b.split('+')[0];
}

/** What an identity wants its pods to be told of, as its Secret is now. */
export function changesOf({ spec }: WorkloadIdentity, secret: SecretMetadata, svid: Pick<DeliveredSvid, 'serialNumber' | 'bundleGeneration'>): readonly Change[] {
  const { onRenewal, onBundle } = spec.reload ?? {};
  return [
    ...(onRenewal === undefined ? [] : [{ occasion: 'onRenewal', version: svid.serialNumber, http: onRenewal.http } as const]),
    ...(onBundle === undefined ? [] : [{ occasion: 'onBundle', version: rootsVersion(secret, svid), http: onBundle.http } as const]),
  ];
}

/**
 * What status says of it: undefined when it was never told.
 * @param now what there is: a status that names a generation alone (of an older version of mtlsd) is taken to mean it, if that fits
 */
export function recordOf({ status }: WorkloadIdentity, occasion: Occasion, now?: Change): ReloadRecord | undefined {
  if (occasion === 'onRenewal') {
    const record = status?.reload?.onRenewal;
    return record && { version: record.serialNumber, pods: record.pods, reloaded: record.reloaded, failing: record.failing ?? [] };
  }
  const record = status?.reload?.onBundle;
  if (record === undefined) return undefined;
  const version = record.version ?? (now !== undefined && generationIn(now.version) === record.bundleGeneration ? now.version : `/${record.bundleGeneration}`);
  return { version, pods: record.pods, reloaded: record.reloaded, failing: record.failing ?? [] };
}

/** Whether status says that all pods know of a change: then nothing is left to do for it, whichever process has done it. */
export function isTold(record: ReloadRecord | undefined, { version }: Pick<Change, 'version'>): boolean {
  return record?.version === version && record.reloaded === record.pods;
}

/** What a pod is told, JSON: what has happened and to which identity. Nothing in it is secret. */
export function bodyOf({ metadata, status }: WorkloadIdentity, secretName: string, { occasion, version }: Change): string {
  const { namespace = '', name } = metadata;
  const about = occasion === 'onRenewal' ? { event: 'renewal', serialNumber: version } : { event: 'bundle', bundleGeneration: generationIn(version), version };
  return JSON.stringify({ ...about, identity: `${namespace}/${name}`, spiffeID: status?.spiffeID, secret: secretName });
}
