/** What a machine must have to be a node, besides the programs that are built. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Environment } from '../places.ts';

/** Program → Debian's package, or where else it comes from. */
const programs: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  busybox: 'busybox-static',
  gcc: 'gcc and libc6-dev',
  ip: 'iproute2',
  mount: 'mount',
  tar: 'tar',
  ldd: 'libc-bin',
  go: 'Go 1.26 or newer, from https://go.dev/dl/',
};

/** Where Debian puts the plugins for networks. */
export const cniPluginFolder = '/usr/lib/cni';

/** What is missing, in words that say what to do; empty on a machine that can be a node. */
export function missingForNode(env: Environment): readonly string[] {
  const missing: string[] = [];
  if (process.platform !== 'linux') return ['Linux'];
  if (process.getuid?.() !== 0) missing.push('root');
  if (!existsSync('/sys/fs/cgroup/memory/cgroup.procs')) missing.push('cgroup v1 hierarchies (cgroup v2 was never tried)');
  for (const [program, from] of Object.entries(programs)) {
    if (!isOnPath(program, env)) missing.push(`${program} (${from})`);
  }
  if (!existsSync(join(cniPluginFolder, 'bridge'))) missing.push(`${cniPluginFolder}/bridge (Debian: containernetworking-plugins)`);
  return missing;
}

/** @throws {Error} when this machine cannot be a node, with what to install */
export function refuseUnfit(env: Environment): void {
  const missing = missingForNode(env);
  if (missing.length > 0) throw new Error(`this machine cannot be a node of the test cluster; it lacks ${missing.join(', ')}`);
}

function isOnPath(program: string, env: Environment): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
