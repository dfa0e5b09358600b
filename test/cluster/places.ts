/**
 * Where the test cluster keeps things: never in the checkout.
 * Programs go to a cache (rebuilt at will), clusters to a state folder (theirs until `down`).
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The environment variables of a process, passed in so that a test can use folders of its own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `$MTLSD_CACHE_DIR`, else `$XDG_CACHE_HOME/mtlsd`, else `~/.cache/mtlsd`. */
export function cacheRoot(env: Environment): string {
  const own = env['MTLSD_CACHE_DIR'];
  if (own) return own;
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mtlsd');
}

/** Folder of the named clusters: `$MTLSD_STATE_DIR`, else `$XDG_STATE_HOME/mtlsd`, else `~/.local/state/mtlsd`. */
export function clustersRoot(env: Environment): string {
  const own = env['MTLSD_STATE_DIR'];
  return join(own || join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'mtlsd'), 'clusters');
}

const clusterName = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

/**
 * Folder of one named cluster.
 * @throws {Error} when the name could not be a folder name of ours
 */
export function clusterFolder(name: string, env: Environment): string {
  if (!clusterName.test(name)) {
    throw new Error(`"${name}" is no cluster name: use 1 to 40 lower-case letters, digits and dashes, such as "dev"`);
  }
  return join(clustersRoot(env), name);
}
