/** What a node takes of its machine: a folder, a cgroup, a bridge with addresses, two ports. All of it is its own. */
import { randomBytes, randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../ports.ts';

/** The name of the node, for the API server. */
export const nodeName = 'mtlsd-node';

/** Kept in `cluster.json`. */
export interface NodePlace {
  readonly folder: string;
  /** containerd's. */
  readonly socket: string;
  /** Name of its cgroup in every hierarchy, and of its network. */
  readonly group: string;
  readonly bridge: string;
  /** Addresses of pods, such as `10.200.4.0/22`. */
  readonly subnet: string;
  /** The machine's on the bridge: the node's, and the pods' gateway. */
  readonly address: string;
  readonly kubeletPort: number;
  readonly healthPort: number;
}

/** @param clusterFolder of the cluster */
export async function chooseNodePlace(clusterFolder: string): Promise<NodePlace> {
  const id = randomBytes(3).toString('hex');
  const prefix = freeSubnet();
  const [kubeletPort = 0, healthPort = 0] = await freePorts(2);
  const folder = join(clusterFolder, 'node');
  return {
    folder,
    socket: join(folder, 'containerd.sock'),
    group: `mtlsd-${id}`,
    bridge: `mtlsd${id}`,
    subnet: `${prefix}.0/22`,
    address: `${prefix}.1`,
    kubeletPort,
    healthPort,
  };
}

/** The first three bytes of 1024 addresses that no interface of the machine has a part in. */
function freeSubnet(): string {
  const taken = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  for (;;) {
    const [second, third] = [randomInt(192, 256), randomInt(0, 64) * 4];
    const inside = (address: string): boolean => {
      const [a, b, c] = address.split('.').map(Number);
      return a === 10 && b === second && c !== undefined && c >= third && c < third + 4;
    };
    // An interface of 10.0.0.0/8 as a whole has all of them; then the bridge's route, which is narrower, wins.
    if (!taken.some(inside)) return `10.${second}.${third}`;
  }
}
