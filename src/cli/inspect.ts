import { Command, Option } from 'commander';
import { severalLeavesProblem } from './certificate-report.ts';
import { exitCodes } from './exit-codes.ts';
import { inspectBundle, inspectCredentials, type InspectReport } from './inspect-report.ts';
import { inspectText } from './inspect-text.ts';
import type { CliIo } from './io.ts';
import { inspectKeystore } from './keystore-report.ts';
import { inspectPeer } from './peer-report.ts';
import { readSource, type Source, sourceName, type SourceOptions } from './source.ts';
import { painter } from './terminal-text.ts';

interface InspectOptions extends SourceOptions {
  readonly output: 'text' | 'json';
}

/** `mtlsd inspect`: what a file of certificates, keys, requests or a SPIFFE bundle is, or what a server presents, and which rules it breaks. */
export function inspectCommand(io: CliIo): Command {
  return new Command('inspect')
    .description('Tell what a certificate, chain, request, key, credential bundle, keystore or SPIFFE bundle is, or what a server presents, and each rule that it breaks.')
    .argument('<file>', 'PEM, DER, PKCS#12 or JSON, at most 1 MiB; - for standard input; tls://HOST:PORT for what a server presents')
    .option('--password-file <file>', 'the password of a PKCS#12 keystore; one line break at its end does not count')
    .option('--server-name <name>', 'what the server is asked for (SNI); default: HOST, unless it is an address')
    .option('--client-identity <file>', 'what a server is given that asks for a client certificate: PEM with key and chain (credential-bundle.pem)')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Nothing is trusted: mtlsd verify checks a chain against a bundle. Private keys
are never printed. A server is sent nothing but the handshake, and shown is what
it presented, in its order. The status is 0 when it is sound, 1 when a rule is
broken, a link or a key does not fit or a time has passed, 2 when the file
cannot be read or holds several leaves, and 3 when a server cannot be reached or
does not speak TLS.`,
    )
    .action((file: string, options: InspectOptions) => inspect(io, file, options));
}

function reportOf(name: string, source: Source, nowMs: number): InspectReport {
  switch (source.kind) {
    case 'bundle':
      return inspectBundle(name, source, nowMs);
    case 'credentials':
      return inspectCredentials(name, source, nowMs);
    case 'keystore':
      return inspectKeystore(name, source.content, nowMs);
    case 'peer':
      return inspectPeer(source, nowMs);
  }
}

async function inspect(io: CliIo, file: string, { output, ...options }: InspectOptions): Promise<void> {
  const name = sourceName(file);
  const source = await readSource(io, file, options);
  const report = reportOf(name, source, io.nowMs());
  io.stdout(output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : inspectText(report, painter(io.isTerminal)));
  // The entries of a keystore have names: there, several leaves are no riddle.
  const severalLeaves = source.kind === 'keystore' ? undefined : severalLeavesProblem(report.certificates.map((certificate) => certificate.role));
  if (severalLeaves !== undefined) {
    io.stderr(`mtlsd: ${name} is not one credential. ${severalLeaves}\n`);
    io.setExitCode(exitCodes.usage);
  } else if (!report.sound) {
    io.setExitCode(exitCodes.no);
  }
}
