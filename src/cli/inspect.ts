import { Command, Option } from 'commander';
import { readCredentials } from './credential-file.ts';
import { exitCodes, exitCodesHelp } from './exit-codes.ts';
import { inspectBundle, inspectCredentials, severalLeavesProblem } from './inspect-report.ts';
import { inspectText } from './inspect-text.ts';
import type { CliIo } from './io.ts';
import { readInput } from './read-input.ts';
import { painter } from './terminal-text.ts';

interface InspectOptions {
  readonly output: 'text' | 'json';
}

/** `mtlsd inspect`: what a file of certificates, keys, requests or a SPIFFE bundle is, and which rules it breaks. */
export function inspectCommand(io: CliIo): Command {
  return new Command('inspect')
    .description('Tell what a certificate, chain, request, key, credential bundle or SPIFFE bundle is, and each rule that it breaks.')
    .argument('<file>', 'PEM, DER or JSON, at most 1 MiB; - for standard input')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Nothing is trusted and nothing fetched: mtlsd verify checks a chain against a bundle. Private keys are never printed.
The status is 0 when it is sound, 1 when a rule is broken, a link or a key does not fit or a time has passed,
and 2 when the file cannot be read or holds several leaves.
${exitCodesHelp}`,
    )
    .action((file: string, options: InspectOptions) => inspect(io, file, options));
}

async function inspect(io: CliIo, file: string, { output }: InspectOptions): Promise<void> {
  const name = file === '-' ? 'standard input' : file;
  const content = readCredentials('FILE', name, await readInput(io, 'FILE', file));
  const nowMs = io.nowMs();
  const report = content.kind === 'bundle' ? inspectBundle(name, content, nowMs) : inspectCredentials(name, content, nowMs);
  io.stdout(output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : inspectText(report, painter(io.isTerminal)));
  const severalLeaves = severalLeavesProblem(report.certificates.map((certificate) => certificate.role));
  if (severalLeaves !== undefined) {
    io.stderr(`mtlsd: ${name} is not one credential. ${severalLeaves}\n`);
    io.setExitCode(exitCodes.usage);
  } else if (!report.sound) {
    io.setExitCode(exitCodes.no);
  }
}
