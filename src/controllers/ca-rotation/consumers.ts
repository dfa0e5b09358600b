import { labels, type Node, type Pod, type PodVolume } from '../../resources/index.ts';
import type { ConsumerView, NodeView, TargetView } from '../../rotation/ca/index.ts';
import { clusterTrustBundleName, configMapName } from '../bundle/target.ts';

/** Who reads what was delivered. */
export interface Consumers {
  readonly pods: readonly ConsumerView[];
  /** Names of the nodes that they run on. */
  readonly nodes: ReadonlySet<string>;
  /** Places of the bundle that no pod reads: whoever reads them is not known. */
  readonly unseen: number;
}

const signerName = 'mtlsd.io/x509-svid';

/** The pods that mount certificates or the bundle of a trust domain. */
export function consumersOf(trustDomain: string, pods: Iterable<Pod>, targets: readonly TargetView[]): Consumers {
  const places = new Map(targets.map((target) => [`${target.kind} ${target.namespace ?? ''}/${target.name}`, false]));
  const consumers: ConsumerView[] = [];
  const nodes = new Set<string>();
  for (const pod of pods) {
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') continue;
    const volumes = (pod.spec.volumes ?? []).filter((volume) => placesIn(volume, pod, trustDomain, places).length > 0);
    if (volumes.length === 0) continue;
    for (const place of volumes.flatMap((volume) => placesIn(volume, pod, trustDomain, places))) if (places.has(place)) places.set(place, true);
    consumers.push(consumer(pod, new Set(volumes.map(({ name }) => name))));
    if (pod.spec.nodeName !== undefined) nodes.add(pod.spec.nodeName);
  }
  return { pods: consumers, nodes, unseen: [...places.values()].filter((seen) => !seen).length };
}

/** What a volume shows of this trust domain. */
function placesIn(volume: PodVolume, pod: Pod, trustDomain: string, places: ReadonlyMap<string, boolean>): readonly string[] {
  const { namespace = '' } = pod.metadata;
  const sources = volume.projected?.sources ?? [];
  const secrets = [volume.secret?.secretName, ...sources.map(({ secret }) => secret?.name)].filter((name) => name !== undefined);
  const configMaps = [volume.configMap?.name, ...sources.map(({ configMap }) => configMap?.name)].filter((name) => name === configMapName(trustDomain));
  return [
    ...secrets.map((name) => `Secret ${namespace}/${name}`).filter((place) => places.has(place)),
    ...configMaps.map((name) => `ConfigMap ${namespace}/${name}`),
    ...sources.flatMap(({ clusterTrustBundle: bundle, podCertificate }) => {
      if (podCertificate?.signerName === signerName) return ['podCertificate'];
      if (bundle === undefined) return [];
      const selected = bundle.signerName === signerName && [undefined, trustDomain].includes(bundle.labelSelector?.matchLabels?.[labels.trustDomain]);
      const name = clusterTrustBundleName(trustDomain);
      return selected || bundle.name === name ? [`ClusterTrustBundle /${name}`] : [];
    }),
  ];
}

function consumer(pod: Pod, volumes: ReadonlySet<string>): ConsumerView {
  const readers = pod.spec.containers.filter(({ volumeMounts = [] }) => volumeMounts.some(({ name }) => volumes.has(name)));
  const names = new Set(readers.map(({ name }) => name));
  const started = (pod.status?.containerStatuses ?? []).filter(({ name }) => names.has(name)).map(({ state }) => Date.parse(state?.running?.startedAt ?? ''));
  const known = started.filter((atMs) => !Number.isNaN(atMs));
  const frozen = readers.find(({ volumeMounts = [] }) => volumeMounts.some((mount) => volumes.has(mount.name) && (mount.subPath !== undefined || mount.subPathExpr !== undefined)));
  return {
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    startedAtMs: known.length === 0 ? undefined : Math.min(...known),
    neverUpdates: frozen === undefined ? undefined : `container ${frozen.name} mounts it by subPath`,
  };
}

/** A kubelet's Lease as it was seen, by our own clock. */
export interface NodeLease {
  /** Since when it is looked at. */
  readonly watchedSinceMs: number;
  /** When it was last seen to be renewed; undefined: not since then. */
  readonly renewedAtMs: number | undefined;
  readonly durationMs: number;
}

/** A kubelet renews its Lease four times in its duration; one renewal may be lost. */
const renewalsInDuration = 2;

/** The nodes that run consumers. */
export function nodesOf(names: ReadonlySet<string>, nodeOf: (name: string) => Node | undefined, leaseOf: (name: string) => NodeLease | undefined): readonly NodeView[] {
  return [...names].map((name) => {
    const ready = nodeOf(name)?.status?.conditions?.find(({ type }) => type === 'Ready');
    const sinceMs = Date.parse(ready?.lastTransitionTime ?? '');
    // One that is not ready is known to be away: nobody expects a sign of it.
    const lease = ready?.status === 'True' ? leaseOf(name) : undefined;
    const alive = lease === undefined ? { renewedAtMs: undefined } : { renewedAtMs: lease.renewedAtMs, watchedSinceMs: lease.watchedSinceMs, renewsWithinMs: lease.durationMs / renewalsInDuration };
    return { name, readySinceMs: Number.isNaN(sinceMs) ? undefined : sinceMs, ...alive };
  });
}
