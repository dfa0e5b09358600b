import { Command, Option } from 'commander';
import { readGatewayConfiguration } from '../app/gateway/configuration.ts';
import { createLog } from '../app/log.ts';
import { TrustedIssuers } from '../app/trust/trusted-issuers.ts';
import { verifyToken, type TokenDecision } from '../tokens/index.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { spoken } from './overview-text.ts';
import { readInput, unusable } from './read-input.ts';
import { painter, printable, timeText } from './terminal-text.ts';

interface VerifyOptions {
  readonly config: string;
  readonly rules?: string;
  readonly output: 'text' | 'json';
}

/** `mtlsd token`: what has to do with tokens. */
export function tokenCommand(io: CliIo): Command {
  return new Command('token').description('Judge tokens of other issuers.').helpCommand(false).addCommand(verifyTokenCommand(io));
}

function verifyTokenCommand(io: CliIo): Command {
  return new Command('verify')
    .description('Judge a token strictly by the rules of a gateway configuration, and say why it is refused.')
    .argument('<file>', 'the token (a compact JWS with JWT claims; a line break at its end does not count); - for standard input')
    .requiredOption('--config <file>', 'the gateway configuration: trusted issuers, and rules for their tokens')
    .option('--rules <name>', 'the rules to judge by (default: the only ones of the configuration)')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Issuer, algorithm, type, key, signature, times, audience, scopes and claims are
judged in this order, and the first that is wrong is told. What stands in the
token is printed only when it is accepted. The status is 1 when it is refused,
and 3 when the keys of its issuer cannot be had.`,
    )
    .action((file: string, options: VerifyOptions) => verify(io, file, options));
}

async function verify(io: CliIo, file: string, options: VerifyOptions): Promise<void> {
  if (file === '-' && options.config === '-') throw unusable('--config', 'Standard input can be read once: name a file for the token or for --config.');
  const decoder = new TextDecoder();
  const configuration = readGatewayConfiguration(decoder.decode(await readInput(io, '--config', options.config)), options.config);
  const rules = rulesOf(configuration.rules.map(({ name }) => name), options.rules);
  const token = decoder.decode(await readInput(io, 'FILE', file)).replace(/\r?\n$/u, '');
  const log = createLog({ format: 'text', level: 'warn', colour: false, write: io.stderr });
  await using issuers = await TrustedIssuers.open({ issuers: configuration.issuers, rules: configuration.rules.filter(({ name }) => name === rules) }, log);
  await issuers.whenTried();
  const nowMs = io.nowMs();
  const decision = await verifyToken(token, issuers.trustedBy([rules]), nowMs);
  io.stdout(options.output === 'json' ? `${JSON.stringify(asJson(decision), undefined, 2)}\n` : asText(decision, nowMs, io));
  if (!decision.accepted) io.setExitCode(decision.reason === 'keys-unavailable' ? exitCodes.unavailable : exitCodes.no);
}

function rulesOf(names: readonly string[], wanted: string | undefined): string {
  const known = names.join(', ') || 'none';
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw unusable('--rules', `--rules ${printable(wanted)} is not in the configuration: it has ${known}.`);
  }
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  throw unusable('--rules', `Name the rules to judge by with --rules: the configuration has ${known}.`);
}

function asJson(decision: TokenDecision): object {
  if (!decision.accepted) return decision;
  const { issuer, subject, scopes, expiresAtMs, claims } = decision;
  return { accepted: true, issuer, subject, scopes, expiresAt: new Date(expiresAtMs).toISOString(), claims };
}

function asText(decision: TokenDecision, nowMs: number, io: CliIo): string {
  const paint = painter(io.isTerminal);
  if (!decision.accepted) return `${paint('bad', 'refused')}  ${decision.reason}: ${printable(decision.message)}\n`;
  const left = spoken(Math.max(0, Math.floor((decision.expiresAtMs - nowMs) / 1000)));
  const scopes = decision.scopes.length === 0 ? '' : `  scopes ${decision.scopes.map(printable).join(', ')}\n`;
  return `${paint('good', 'accepted')}  ${paint('strong', printable(decision.subject))} of ${printable(decision.issuer)}\n${scopes}  until ${timeText(decision.expiresAtMs)} (${left})\n`;
}
