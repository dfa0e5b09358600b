import { stripVTControlCharacters } from 'node:util';
import { CommanderError } from 'commander';
import { catalogue, isMtlsdError } from '../errors/index.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { programFor } from './one-command.ts';
import { wantsColours } from './terminal-text.ts';

/** Runs one command of this process. */
export async function main(args: readonly string[]): Promise<void> {
  const io = processIo();
  try {
    const mtlsd = await programFor(args, io, untilSignal, untilInterrupted);
    await mtlsd.parseAsync([...args], { from: 'user' });
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
