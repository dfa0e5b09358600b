import { Argument, Command, Option } from 'commander';
import type { ClusterAddress } from '../app/overview/cluster-overview.ts';
import { createLog } from '../app/log.ts';
import type { PodExplanation } from '../app/pods/explanation.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { manifests, readInput, unusable } from './read-input.ts';
import { painter, type Paint } from './terminal-text.ts';

interface ExplainOptions extends ClusterAddress {
  readonly namespace?: string;
  readonly filename?: string;
  readonly output: 'text' | 'json';
}

/** `mtlsd explain pod`: which identity a pod gets, from which object, and why not from the others. */
export function explainCommand(io: CliIo): Command {
  return new Command('explain')
    .description('Tell which identity a pod gets, from which object and why not from the others, how it is delivered, and what is missing. It only reads.')
    .addArgument(new Argument('<kind>', 'what is explained').choices(['pod']))
    .argument('[name]', 'name of a pod that is there')
    .option('-n, --namespace <name>', 'its namespace (default: default, or the one that the manifest names)')
    .option('-f, --filename <file>', 'a manifest of a pod that is still to be made, or of a Deployment and the like; - for standard input')
    .option('--kubeconfig <file>', 'how to reach the API server; default: as kubectl does')
    .option('--context <name>', 'a context of the kubeconfig')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
It needs the rights to get the pod, its namespace and service account, and to
list services, WorkloadIdentities, ClusterWorkloadIdentities and TrustDomains.
The status is 0 when nothing is missing, and 1 when the pod does not get an
identity as it is.`,
    )
    .action((_kind: string, name: string | undefined, options: ExplainOptions) => explain(io, name, options));
}

async function explain(io: CliIo, name: string | undefined, options: ExplainOptions): Promise<void> {
  const { namespace, filename, kubeconfig, context } = options;
  if ((name === undefined) === (filename === undefined)) throw unusable('name', 'name a pod that is there, or give the manifest of one with -f: one of the two');
  const { podInManifest } = await import('../app/pods/manifest.ts');
  const question =
    filename === undefined ? { namespace: namespace ?? 'default', name: name ?? '' } : { manifest: podInManifest(new TextDecoder().decode(await readInput(io, '--filename', filename, manifests)), filename, namespace) };
  const log = createLog({ format: 'text', level: 'error', colour: false, write: io.stderr });
  const address = { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  // Loaded when it is needed: the Kubernetes client takes longer to load than all the rest.
  const { explainPodIn } = await import('../app/pods/explain-pod.ts');
  const explanation = await explainPodIn(address, question, log);
  io.stdout(options.output === 'json' ? `${JSON.stringify(explanation, undefined, 2)}\n` : explanationText(explanation, painter(io.isTerminal)));
  if (explanation.missing.length > 0) io.setExitCode(exitCodes.no);
}

/** The explanation for people. */
export function explanationText({ pod, serviceAccount, identity, delivery, candidates, missing }: PodExplanation, paint: Paint): string {
  const names = identity === undefined || identity.dnsNames.length === 0 ? '' : `  DNS names: ${identity.dnsNames.join(', ')}\n`;
  const ttl = identity?.ttl === undefined ? '' : `  TTL: ${identity.ttl}\n`;
  const granted = identity === undefined ? 'No identity.\n' : `${paint('strong', identity.spiffeID ?? 'An identity of a trust domain that cannot be told')}\n  from: ${identity.from}\n${names}${ttl}`;
  const by = delivery === undefined ? '' : `  delivery: ${delivery.kind === 'Secret' ? `Secret ${delivery.secret ?? ''}` : 'pod certificate'}, by ${delivery.by}\n`;
  const others = candidates.filter(({ chosen }) => !chosen).map(({ from, why }) => `  ${from}: ${why ?? ''}\n`);
  const wrong = missing.map((sentence) => `${paint('bad', '✗')} ${sentence}\n`);
  return [
    `Pod ${pod}, service account ${serviceAccount}\n\n`,
    granted,
    by,
    ...(others.length === 0 ? [] : [`\nNot from:\n`, ...others]),
    ...(wrong.length === 0 ? [`\n${paint('good', 'Nothing is missing.')}\n`] : ['\n', ...wrong]),
  ].join('');
}
