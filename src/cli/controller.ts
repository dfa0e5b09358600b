import { Command, InvalidArgumentError, Option } from 'commander';
import { openAuditSettings } from '../app/audit/settings.ts';
import { createLog, logLevels, type LogFormat, type LogLevel } from '../app/log.ts';
import { apiOptions, withApiOptions, type ApiFlags } from './api-options.ts';
import { auditOptions, withAuditOptions, type AuditFlags } from './audit/options.ts';
import type { CliIo } from './io.ts';
import { listenAddress, type ListenAddress } from './listen-address.ts';

interface ControllerOptions extends AuditFlags, ApiFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  readonly metricsListen?: ListenAddress;
  readonly watchNamespaces?: readonly string[];
  readonly bundles: readonly BundleKind[];
  readonly delivery: readonly DeliveryKind[];
  readonly rolloutRestart?: boolean;
  readonly podWarnings: boolean;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

const bundleKinds = ['config-maps', 'cluster-trust-bundles'] as const;
type BundleKind = (typeof bundleKinds)[number];

const deliveryKinds = ['secrets', 'pod-certificates'] as const;
type DeliveryKind = (typeof deliveryKinds)[number];

/** `mtlsd controller`: the reconcilers on a Kubernetes API server. */
export function controllerCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  const command = new Command('controller')
    .description('Issue and renew identities in a Kubernetes cluster.')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as kubectl finds it, then the service account of the pod)')
    .option('--context <name>', 'a context of the kubeconfig (default: its current one)')
    .option('--namespace <name>', "mtlsd's own namespace: authorities and the Lease live there", 'mtlsd-system')
    .option('--metrics-listen <address>', 'host:port for /livez, /readyz and /metrics, such as 0.0.0.0:9464 (default: none)', listenAddress)
    .option('--watch-namespaces <names>', 'namespaces in which mtlsd may read and write Secrets, with commas between them (default: all)', names)
    .addOption(new Option('--bundles <kinds>', `where trust bundles go besides Secrets: ${bundleKinds.join(', ')}, with commas between them, or none`).argParser(bundles).default(bundleKinds, bundleKinds.join()))
    .addOption(new Option('--delivery <kinds>', `how identities reach pods: ${deliveryKinds.join(', ')}, with a comma between them`).argParser(delivery).default(deliveryKinds, deliveryKinds.join()))
    .option('--rollout-restart', 'restart workloads whose identities ask for it when roots change; needs rights of its own')
    .option('--no-pod-warnings', 'do not look at pods, nor tell them what keeps them from their identity')
    .addOption(new Option('--log-format <format>', 'how log lines look').choices(['text', 'json']).default('json'))
    .addOption(new Option('--log-level <level>', 'which log lines are written').choices([...logLevels]).default('info'))
    .addHelpText(
      'after',
      `
Several replicas may run: the holder of the Lease mtlsd-controller reconciles
and signs, the others stand by and take over within seconds. SIGINT and SIGTERM
finish what is in flight and give the Lease back. Log lines go to standard
error, the audit log (JSON lines with "audit": true, a chain that \`mtlsd audit
verify\` checks) to standard output.`,
    )
    .action((options: ControllerOptions) => control(io, options, untilStopped));
  return withAuditOptions(withApiOptions(command), 'stdout, a file, or an https:// URL (default: stdout)');
}

async function control(io: CliIo, options: ControllerOptions, untilStopped: () => Promise<void>): Promise<void> {
  const log = createLog({ format: options.logFormat, level: options.logLevel, colour: false, write: io.stderr });
  const config = {
    kubeconfig: options.kubeconfig,
    context: options.context,
    namespace: options.namespace,
    metrics: options.metricsListen,
    watchNamespaces: options.watchNamespaces,
    bundles: { configMaps: options.bundles.includes('config-maps'), clusterTrustBundles: options.bundles.includes('cluster-trust-bundles') },
    secretDelivery: options.delivery.includes('secrets'),
    podCertificates: options.delivery.includes('pod-certificates'),
    rolloutRestart: options.rolloutRestart ?? false,
    podWarnings: options.podWarnings,
    api: apiOptions(options, options.namespace),
  };
  // Loaded when it is needed: the Kubernetes client alone would double the time that every other command takes to start.
  const { ClusterDaemon } = await import('../app/cluster.ts');
  await using daemon = await ClusterDaemon.open(config, log, await openAuditSettings(auditOptions(options, 'stdout')));
  const stop = new AbortController();
  const running = daemon.run(stop.signal);
  await Promise.race([untilStopped(), running]);
  log.info('stopping: what is in flight is finished first');
  stop.abort();
  await running;
}

function names(text: string): readonly string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.some((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))) throw new InvalidArgumentError('write names of namespaces with commas between them.');
  return list;
}

function bundles(text: string): readonly BundleKind[] {
  return text === 'none' ? [] : someOf(bundleKinds, text, ', or none');
}

function delivery(text: string): readonly DeliveryKind[] {
  return someOf(deliveryKinds, text, '');
}

function someOf<K extends string>(kinds: readonly K[], text: string, or: string): readonly K[] {
  const list = text.split(',').map((kind) => kind.trim());
  const known = list.filter((kind): kind is K => (kinds as readonly string[]).includes(kind));
  if (known.length < list.length) throw new InvalidArgumentError(`write ${kinds.join(', ')} with commas between them${or}.`);
  return known;
}
