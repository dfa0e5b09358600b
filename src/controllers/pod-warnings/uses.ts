import { signerName } from '../../injection/names.ts';
import type { OwnerReference, Pod, PodContainer, PodVolume } from '../../resources/index.ts';

/** One volume of a pod through which an identity may reach it. */
export interface PodUse {
  /** The Secret that is mounted; undefined for a pod certificate. */
  readonly secretName: string | undefined;
  /** Whether a container mounts a part of it by subPath: that never changes again. */
  readonly subPath: boolean;
  /** Whether every user in the pod can read the private key. */
  readonly worldReadable: boolean;
}

/** What is kept of a pod: a hundred bytes of ten thousand. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** What a person would change: `Deployment cart`, `StatefulSet db`, `Pod debug`. */
  readonly workload: string;
  /** What made it, such as a ReplicaSet. */
  readonly owner: Pick<OwnerReference, 'kind' | 'name'> | undefined;
  readonly serviceAccountName: string;
  /** Its own address; undefined while it has none. */
  readonly ip: string | undefined;
  /** Whether that address is its node's. */
  readonly hostNetwork: boolean;
  readonly running: boolean;
  /** Since when the container runs that has run longest, milliseconds since the epoch. */
  readonly startedAtMs: number | undefined;
  readonly uses: readonly PodUse[];
}

/** Permission bit that lets everybody read. */
const othersRead = 0o004;
/** What Kubernetes gives files of Secrets and projections whose mode nobody states. */
const modeByDefault = 0o644;
/** Files of an identity with its private key in the clear. */
const keyFiles: ReadonlySet<string> = new Set(['tls.key', 'credential-bundle.pem', 'key.der']);

/** The facts of a pod; undefined when it has ended, or mounts no Secret and no pod certificate of ours. */
export function factsOfPod(pod: Pod): PodFacts | undefined {
  const { metadata, spec, status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed' || metadata.deletionTimestamp !== undefined) return undefined;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const uses = (spec.volumes ?? []).flatMap((volume) => usesOf(volume, pod, containers));
  if (uses.length === 0) return undefined;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    workload: workloadOf(pod),
    owner: ownerOf(pod),
    ip: status?.podIP,
    hostNetwork: spec.hostNetwork === true,
    serviceAccountName: spec.serviceAccountName ?? 'default',
    running: status?.phase === 'Running',
    startedAtMs: startOf(status),
    uses,
  };
}

function startOf({ containerStatuses = [] }: NonNullable<Pod['status']> = {}): number | undefined {
  const starts = containerStatuses.map(({ state }) => Date.parse(state?.running?.startedAt ?? '')).filter((ms) => !Number.isNaN(ms));
  return starts.length === 0 ? undefined : Math.min(...starts);
}

/** A volume that no container mounts reaches nobody. */
function usesOf(volume: PodVolume, pod: Pod, containers: readonly PodContainer[]): readonly PodUse[] {
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.filter(({ name }) => name === volume.name));
  if (mounts.length === 0) return [];
  const subPath = mounts.some((mount) => mount.subPath !== undefined || mount.subPathExpr !== undefined);
  const { secret, projected } = volume;
  const uses: PodUse[] = [];
  if (secret?.secretName !== undefined) uses.push({ secretName: secret.secretName, subPath, worldReadable: secretIsWorldReadable(secret) });
  const mode = projected?.defaultMode ?? modeByDefault;
  for (const source of projected?.sources ?? []) {
    if (source.secret?.name !== undefined) uses.push({ secretName: source.secret.name, subPath, worldReadable: (mode & othersRead) !== 0 });
    if (source.podCertificate?.signerName === signerName) uses.push({ secretName: undefined, subPath, worldReadable: (mode & othersRead) !== 0 && !isNarrowed(pod, containers) });
  }
  return uses;
}

function secretIsWorldReadable({ defaultMode = modeByDefault, items }: NonNullable<PodVolume['secret']>): boolean {
  // fsGroup adds the group and takes nothing away: the bit of the others stays as it is.
  if (items === undefined) return (defaultMode & othersRead) !== 0;
  return items.some(({ key, mode }) => keyFiles.has(key) && ((mode ?? defaultMode) & othersRead) !== 0);
}

/** kubelet narrows pod certificates (not Secrets) to the pod's user, where it has an fsGroup or all containers run as one user. */
function isNarrowed({ spec }: Pod, containers: readonly PodContainer[]): boolean {
  if (spec.securityContext?.fsGroup !== undefined) return true;
  const users = new Set(containers.map(({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser));
  return users.size === 1 && !users.has(undefined);
}

/** A ReplicaSet of a Deployment is named after it, with the hash of the template behind: what stays the same over roll-outs. */
function workloadOf(pod: Pod): string {
  const { metadata } = pod;
  const owner = ownerOf(pod);
  if (owner === undefined) return `Pod ${metadata.name}`;
  const suffix = `-${metadata.labels?.['pod-template-hash'] ?? ''}`;
  if (owner.kind === 'ReplicaSet' && suffix !== '-' && owner.name.endsWith(suffix)) return `Deployment ${owner.name.slice(0, -suffix.length)}`;
  return `${owner.kind} ${owner.name}`;
}

function ownerOf({ metadata }: Pod): PodFacts['owner'] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true) ?? metadata.ownerReferences?.[0];
  return owner === undefined ? undefined : { kind: owner.kind, name: owner.name };
}
