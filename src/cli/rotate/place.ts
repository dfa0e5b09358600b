import type { Command } from 'commander';
import { createLog } from '../../app/log.ts';
import { RotationFolder } from '../../app/rotation/folder.ts';
import type { RotationSite } from '../../app/rotation/site.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { CliIo } from '../io.ts';

/** The options that say where: a cluster as kubectl finds it, or the output folder of `mtlsd run`. */
export interface PlaceOptions {
  readonly out?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
}

/** Adds the options that say where. */
export function withPlace(command: Command): Command {
  return command
    .option('--out <folder>', 'the folder that `mtlsd run` writes to; without it, a cluster is meant')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as kubectl finds it)')
    .option('--context <name>', 'a context of the kubeconfig (default: its current one)')
    .option('--namespace <name>', "mtlsd's own namespace in the cluster, where receipts are", 'mtlsd-system');
}

/** Opens the place. @throws CONFIGURATION_INVALID, STORE_… when it cannot be reached */
export async function openPlace(io: CliIo, options: PlaceOptions): Promise<RotationSite> {
  const { out, kubeconfig, context, namespace } = options;
  if (out !== undefined) {
    if (kubeconfig !== undefined || context !== undefined) throw new MtlsdError('CONFIGURATION_INVALID', '--out names a folder, --kubeconfig and --context a cluster: name one of the two', { details: { option: 'out' } });
    return new RotationFolder(out, `--out ${out}`);
  }
  const log = createLog({ format: 'text', level: 'error', colour: false, write: io.stderr });
  // Loaded when it is needed: the Kubernetes client takes longer to load than all the rest.
  const { RotationCluster } = await import('../../app/rotation/cluster.ts');
  const address = { namespace, ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  return RotationCluster.open(address, [...(kubeconfig === undefined ? [] : [`--kubeconfig ${kubeconfig}`]), ...(context === undefined ? [] : [`--context ${context}`])].join(' '), log);
}

/** A command as a person types it to go on, with the options that lead here. */
export function hint(site: RotationSite, ...words: readonly string[]): string {
  return ['mtlsd rotate', ...words, site.options].filter((word) => word !== '').join(' ');
}
