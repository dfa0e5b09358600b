import { Command, Option } from 'commander';
import type { ClusterAddress } from '../app/overview/cluster-overview.ts';
import { createLog } from '../app/log.ts';
import { readOutputFolder } from '../app/overview/output-folder.ts';
import type { Overview } from '../app/overview/overview.ts';
import { MtlsdError } from '../errors/index.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import type { Place } from './live-frame.ts';
import { overviewText } from './overview-text.ts';

interface StatusOptions extends ClusterAddress {
  readonly out?: string;
  readonly watch?: boolean;
  readonly output: 'text' | 'json';
}

/** Where `mtlsd run` of the examples writes. */
const defaultOut = '.mtlsd';

/** `mtlsd status`: trust domains, authorities, identities, and what is wrong and what to do about it. */
export function statusCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  return new Command('status')
    .description('Show trust domains, authorities and identities with the life they have left, and what is wrong.')
    .option('--out <folder>', `the folder that \`mtlsd run\` writes to (default: ${defaultOut})`)
    .option('--kubeconfig <file>', 'show a cluster instead: how to reach its API server')
    .option('--context <name>', 'show a cluster instead: a context of the kubeconfig')
    .option('--watch', 'a live table of a cluster, until interrupted (in a terminal)')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .action((options: StatusOptions) => status(io, options, untilStopped));
}

async function status(io: CliIo, options: StatusOptions, untilStopped: () => Promise<void>): Promise<void> {
  const { kubeconfig, context, out, watch = false } = options;
  const inCluster = kubeconfig !== undefined || context !== undefined || watch;
  if (inCluster && out !== undefined) {
    throw new MtlsdError('CONFIGURATION_INVALID', '--out shows a folder and --kubeconfig, --context and --watch show a cluster: name one of the two', { details: { option: 'out' } });
  }
  if (!inCluster) return print(io, await readOutputFolder(out ?? defaultOut, io.nowMs()), options.output);
  const log = createLog({ format: 'text', level: 'error', colour: false, write: io.stderr });
  const address = { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  // Loaded when it is needed: the Kubernetes client takes longer to load than all the rest.
  const { ClusterOverview } = await import('../app/overview/cluster-overview.ts');
  await using cluster = await ClusterOverview.open(address, log);
  if (!watch || !io.isTerminal) return print(io, cluster.overview(), options.output);
  const { LiveView } = await import('./live-view.ts');
  await new LiveView(io, placeOf(kubeconfig, context)).show(cluster, untilStopped());
}

/** What a newcomer may try with a cluster. */
function placeOf(kubeconfig: string | undefined, context: string | undefined): Place {
  const kubectl = ['kubectl', ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]), ...(context === undefined ? [] : ['--context', context])].join(' ');
  return {
    title: kubeconfig ?? context ?? 'the current cluster',
    hints: ({ namespace, name }) => [
      [`${kubectl} get wid,td -A`, 'what kubectl shows'],
      [`${kubectl} describe wid ${name} -n ${namespace}`, 'status, conditions and Events'],
      [`${kubectl} edit wid ${name} -n ${namespace}`, 'it takes effect at once; Ctrl-C ends'],
    ],
  };
}

function print(io: CliIo, overview: Overview, format: 'text' | 'json'): void {
  const style = { colour: io.isTerminal, width: io.isTerminal ? process.stdout.columns || 100 : Infinity };
  io.stdout(format === 'json' ? `${JSON.stringify(overview, undefined, 2)}\n` : overviewText(overview, style));
  if (overview.problems.length > 0) io.setExitCode(exitCodes.no);
}
