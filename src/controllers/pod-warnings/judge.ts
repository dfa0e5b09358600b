import type { Condition } from '../../resources/index.ts';
import type { PodFacts, PodUse } from './uses.ts';

/** A condition before it has times. */
export type Finding = Pick<Condition, 'status' | 'reason' | 'message'>;

/** What pods tell about an identity; what is undefined is as it should be, and not told. */
export interface PodFindings {
  readonly mounted: Finding | undefined;
  readonly warnings: Finding | undefined;
}

/** What is known of an identity and of the pods that use it. Times in milliseconds since the epoch. */
export interface ObservedUse {
  /** Undefined where no Secrets are delivered. */
  readonly secretName: string | undefined;
  /** Pods that mount the Secret. */
  readonly mounting: readonly PodFacts[];
  /** Pods of its service account with a pod certificate. */
  readonly certified: readonly PodFacts[];
  /** When the pod certificate of a pod (by its UID) ends at the latest; undefined while nobody knows. */
  readonly certificateEndMs: (podUid: string) => number | undefined;
  /** The pair that is in the Secret; undefined before the first. */
  readonly svid: { readonly notBeforeMs: number; readonly notAfterMs: number } | undefined;
  /** Since when no pod has used it. */
  readonly unusedSinceMs: number;
  /** What was told last of that nobody mounts it: it stays during the time of grace. */
  readonly lastMounted: Finding | undefined;
}

/** An identity that no pod uses is told of after this long: people apply things in their own order, and scale to zero. */
export const unusedGraceMs = 10 * 60_000;
/** Names of workloads in a message. */
const namesMax = 3;

/** What is wrong, the worst first; an expired pod certificate is told by the same reason as an expired Secret. */
const order = ['ExpiredInPod', 'CertificateExpired', 'SubPathMount', 'KeyWorldReadable'] as const;
type Warning = (typeof order)[number];

/** Pure: what pods tell of an identity now, and when that may change by itself. */
export function judgeUse(observed: ObservedUse, nowMs: number): { readonly findings: PodFindings; readonly nextAtMs: number | undefined } {
  const { mounting, certified, certificateEndMs, unusedSinceMs } = observed;
  const isUsed = mounting.length + certified.length > 0;
  const warnings = new Map<Warning, Set<string>>();
  const warn = (warning: Warning, pod: PodFacts): void => void warnings.set(warning, (warnings.get(warning) ?? new Set()).add(pod.workload));
  const ends = [
    ...mounting.map((pod) => ({ pod, warning: 'ExpiredInPod', atMs: expiryIn(pod, observed) }) as const),
    ...certified.map((pod) => ({ pod, warning: 'CertificateExpired', atMs: pod.running ? (certificateEndMs(pod.uid) ?? Infinity) : Infinity }) as const),
  ];
  for (const { pod, warning, atMs } of ends) if (atMs <= nowMs) warn(warning, pod);
  for (const [pod, uses] of [...mounting.map((each) => [each, usesOf(each, observed.secretName)] as const), ...certified.map((each) => [each, usesOf(each, undefined)] as const)]) {
    if (uses.some(({ subPath }) => subPath)) warn('SubPathMount', pod);
    if (uses.some(({ worldReadable }) => worldReadable)) warn('KeyWorldReadable', pod);
  }
  const changes = [...ends.map(({ atMs }) => atMs), ...(isUsed ? [] : [unusedSinceMs + unusedGraceMs])].filter((ms) => ms > nowMs && ms < Infinity);
  return { findings: { mounted: mountedOf(observed, isUsed, nowMs), warnings: warningsOf(warnings) }, nextAtMs: changes.length === 0 ? undefined : Math.min(...changes) };
}

function mountedOf({ secretName, unusedSinceMs, lastMounted }: ObservedUse, isUsed: boolean, nowMs: number): Finding | undefined {
  // As it should be: nothing is told, and no status written, when pods come.
  if (isUsed) return undefined;
  if (unusedSinceMs + unusedGraceMs > nowMs) return lastMounted;
  if (secretName === undefined) return { status: 'False', reason: 'NotMounted', message: 'no pod of the service account has a pod certificate: label its pod template mtlsd.io/inject: pod-certificate, or delete the identity' };
  return { status: 'False', reason: 'NotMounted', message: `no pod mounts Secret ${secretName}: mount it, or delete the identity if nothing else reads the Secret` };
}

/**
 * When the certificate in a running pod expires: that of the Secret, or, for a copy that was made when the container started
 * and never changes, at most one life after that start.
 */
function expiryIn(pod: PodFacts, { secretName, svid }: ObservedUse): number {
  if (!pod.running || svid === undefined) return Infinity;
  const isCopy = usesOf(pod, secretName).some(({ subPath }) => subPath);
  const copyEndsMs = isCopy && pod.startedAtMs !== undefined ? pod.startedAtMs + (svid.notAfterMs - svid.notBeforeMs) : Infinity;
  return Math.min(svid.notAfterMs, copyEndsMs);
}

function usesOf({ uses }: PodFacts, secretName: string | undefined): readonly PodUse[] {
  return uses.filter((use) => use.secretName === secretName);
}

function warningsOf(warnings: ReadonlyMap<Warning, ReadonlySet<string>>): Finding | undefined {
  const found = order.filter((warning) => warnings.has(warning));
  const [worst] = found;
  if (worst === undefined) return undefined;
  const sentences = { ExpiredInPod: expired, CertificateExpired: certificateExpired, SubPathMount: subPath, KeyWorldReadable: worldReadable };
  return { status: 'True', reason: worst === 'CertificateExpired' ? 'ExpiredInPod' : worst, message: found.map((warning) => sentences[warning](named(warnings.get(warning) ?? new Set()))).join('; ') };
}

const expired = (who: string): string => `${who} run with a certificate that has expired: if the Secret holds a newer one, restart them, and mount the whole volume`;
const certificateExpired = (who: string): string => `${who} run with a pod certificate that has expired, and were given no other: an Event of the pod says what it waits for; where there is none, kubelet has not asked, and a new pod will`;
const subPath = (who: string): string => `${who} mount a part of it by subPath, which never sees a renewal: mount the whole volume in a folder of its own`;
const worldReadable = (who: string): string => `in ${who} every user can read the private key: set securityContext.fsGroup for the pod and defaultMode: 0440 for the volume`;

function named(workloads: ReadonlySet<string>): string {
  const names = [...workloads].toSorted();
  const more = names.length - namesMax;
  return `${names.slice(0, namesMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
