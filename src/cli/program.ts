/**
 * The command line: one file a command, put together here. A command reads its options, hands them to `app/`, and prints;
 * it decides nothing about identities. Options and exit statuses are fixed: scripts depend on them.
 */
import { stripVTControlCharacters } from 'node:util';
import { Command, CommanderError } from 'commander';
import { catalogue, isMtlsdError } from '../errors/index.ts';
import { auditCommand } from './audit/verify.ts';
import { controllerCommand } from './controller.ts';
import { exitCodes } from './exit-codes.ts';
import { gatewayCommand } from './gateway.ts';
import { completeHelp } from './help.ts';
import { injectCommand } from './inject.ts';
import { explainCommand } from './explain.ts';
import { inspectCommand } from './inspect.ts';
import type { CliIo } from './io.ts';
import { receiptsCommand } from './receipt/verify.ts';
import { rotateCommand } from './rotate/rotate.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { svidCommand } from './svid/fetch.ts';
import { wantsColours } from './terminal-text.ts';
import { tokenCommand } from './token.ts';
import { verifyCommand } from './verify.ts';

/**
 * The whole command line, over `io`.
 * @param untilStopped keeps a command going that has no end of its own
 * @param untilLeft ends one that has, before its end
 */
export function program(io: CliIo, untilStopped: () => Promise<void>, untilLeft = untilStopped): Command {
  const mtlsd = new Command('mtlsd')
    .description('The internal certificate authority and mTLS issuance daemon: short-lived SPIFFE identities, renewed for ever.')
    .version('0.1.0', '--version', 'print the version')
    .helpCommand(false)
    .addCommand(runCommand(io, untilStopped))
    .addCommand(controllerCommand(io, untilStopped))
    .addCommand(statusCommand(io, untilStopped))
    .addCommand(injectCommand(io))
    .addCommand(rotateCommand(io, untilLeft))
    .addCommand(receiptsCommand(io))
    .addCommand(auditCommand(io))
    .addCommand(explainCommand(io))
    .addCommand(inspectCommand(io))
    .addCommand(verifyCommand(io))
    .addCommand(svidCommand(io, untilStopped))
    .addCommand(tokenCommand(io))
    .addCommand(gatewayCommand(io, untilStopped));
  for (const command of withSubcommands(mtlsd)) {
    command.exitOverride().configureOutput({ writeOut: io.stdout, writeErr: io.stderr }).showHelpAfterError('(--help shows what it takes)');
    completeHelp(command);
  }
  return mtlsd;
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** Runs one command of this process. */
export async function main(args: readonly string[]): Promise<void> {
  const io = processIo();
  try {
    await program(io, untilSignal, untilInterrupted).parseAsync([...args], { from: 'user' });
  } catch (error) {
    io.setExitCode(report(error, io));
  }
}

/** Tells an error to the person who ran the command, and says which exit status it is. */
function report(error: unknown, io: CliIo): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage; // commander has told it
  if (isMtlsdError(error)) {
    io.stderr(`mtlsd: ${error.message}\n`);
    if (!error.message.includes(':')) io.stderr(`       ${error.entry.remedy}\n`);
    return catalogue[error.code].status >= 500 || error.code.startsWith('STORE_') ? exitCodes.unavailable : exitCodes.usage;
  }
  io.stderr(`mtlsd: a defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.internal;
}

/** Resolves with the first SIGINT or SIGTERM; a second one ends the process at once. */
async function untilSignal(): Promise<void> {
  // Timers of the daemon may all be far away: the process must live on until it is told to stop.
  const alive = setInterval(() => undefined, 2 ** 30);
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  await promise;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  clearInterval(alive);
}

/** As `untilSignal`, but it keeps no process alive. */
async function untilInterrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  await promise;
}

function processIo(): CliIo {
  // A reader that has gone (`mtlsd status | head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit(exitCodes.ok) : undefined));
  const shown = wantsColours(process.env) ? (text: string) => text : stripVTControlCharacters;
  return {
    stdin: process.stdin,
    stdout: (text) => void process.stdout.write(process.stdout.isTTY ? shown(text) : text),
    stderr: (text) => void process.stderr.write(process.stderr.isTTY ? shown(text) : text),
    isTerminal: process.stdout.isTTY,
    nowMs: () => Date.now(),
    setExitCode: (code) => (process.exitCode = code),
  };
}
