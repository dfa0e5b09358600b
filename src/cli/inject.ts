import { Command, Option } from 'commander';
import { injectManifest, type Delivery } from '../injection/index.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { manifests, readInput, unusable } from './read-input.ts';

interface InjectOptions {
  readonly filename: string;
  readonly defaultTrustDomain?: string;
  readonly defaultDelivery: Delivery;
}

/** `mtlsd inject`: writes into manifests what the policy of the chart adds to pods, for API servers that have no such policies. */
export function injectCommand(io: CliIo): Command {
  return new Command('inject')
    .description('Give the pods of a manifest that ask for it (label mtlsd.io/inject) their volume, mounts and variables, and print it: for API servers before 1.36, where no policy does it.')
    .requiredOption('-f, --filename <file>', 'the manifest, YAML or JSON, also of several objects; - for standard input')
    .option('--default-trust-domain <name>', 'the trust domain of pods that name none (the chart: injection.trustDomain)')
    .addOption(new Option('--default-delivery <delivery>', 'what mtlsd.io/inject: "true" asks for (the chart: injection.delivery)').choices(['secret', 'pod-certificate']).default('secret'))
    .addHelpText(
      'after',
      `
Pods, and the templates of Deployments, StatefulSets, DaemonSets, ReplicaSets,
Jobs and CronJobs are changed when they carry the label; everything else is
printed as it is. What was added before is not added again. What is wrong is
told, and then nothing is printed: mtlsd inject -f shop.yaml | kubectl apply -f
- applies all of it or nothing.`,
    )
    .action((options: InjectOptions) => inject(io, options));
}

async function inject(io: CliIo, { filename, defaultTrustDomain, defaultDelivery }: InjectOptions): Promise<void> {
  const bytes = await readInput(io, '--filename', filename, manifests);
  const result = injectManifest(decode(bytes, filename), { delivery: defaultDelivery, trustDomain: defaultTrustDomain });
  if (result.problems !== undefined) {
    for (const problem of result.problems) io.stderr(`mtlsd: ${problem}\n`);
    io.setExitCode(exitCodes.no);
    return;
  }
  for (const name of result.changed) io.stderr(`injected: ${name}\n`);
  io.stdout(result.text);
}

function decode(bytes: Uint8Array, filename: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw unusable('--filename', `${filename === '-' ? 'Standard input' : filename} is not UTF-8 text: give manifests.`, error);
  }
}
