/** The configuration files of a node's programs. Why each line is there is told in README.md of the folder above. */
import { join } from 'node:path';
import { cniPluginFolder } from './needs.ts';
import type { NodePlace } from './place.ts';

/** containerd's own, in TOML: every path that has a default on the machine is moved below the node's folder. */
export function containerdConfig(place: NodePlace): string {
  const below = (...names: string[]) => JSON.stringify(join(place.folder, ...names));
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = ${below('containerd', 'root')}
state = ${below('containerd', 'state')}
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = ${JSON.stringify(place.socket)}
[plugins."io.containerd.internal.v1.opt"]
path = ${below('containerd', 'opt')}
[${cri}]
sandbox_image = "mtlsd.test/pause:1"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[${cri}.cni]
bin_dir = "${cniPluginFolder}"
conf_dir = ${below('cni', 'net.d')}
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
Root = ${below('containerd', 'runc')}
`;
}

/** A bridge that is there already, with the machine's address on it: the plugin would turn on forwarding for all of the machine. */
export function networkConfig(place: NodePlace): object {
  const ipam = {
    type: 'host-local',
    dataDir: join(place.folder, 'cni', 'addresses'),
    ranges: [[{ subnet: place.subnet, gateway: place.address }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return { cniVersion: '0.4.0', name: place.group, plugins: [{ type: 'bridge', bridge: place.bridge, ipam }] };
}

export function kubeletConfig(place: NodePlace, clientCaFile: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: place.address,
    port: place.kubeletPort,
    healthzBindAddress: '127.0.0.1',
    healthzPort: place.healthPort,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: false }, x509: { clientCAFile: clientCaFile } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: `unix://${place.socket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${place.group}`,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    syncFrequency: '10s',
    maxPods: 250,
    clusterDNS: [place.address],
    clusterDomain: 'cluster.local',
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    registryPullQPS: 0,
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'nodefs.available': '0%', 'nodefs.inodesFree': '0%', 'imagefs.available': '0%' },
    podLogsDir: join(place.folder, 'pod-logs'),
    volumePluginDir: join(place.folder, 'volume-plugins'),
    shutdownGracePeriod: '0s',
  };
}
