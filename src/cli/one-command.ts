import type { Command } from 'commander';
import type { CliIo } from './io.ts';
import { rootCommand } from './root-command.ts';

type Until = () => Promise<void>;
type Load = (io: CliIo, untilStopped: Until, untilLeft: Until) => Promise<Command>;

/** A command is loaded without the others: whoever inspects a certificate need not wait for the parts of a daemon. */
const loads = new Map<string | undefined, Load>([
  ['run', async (io, untilStopped) => (await import('./run.ts')).runCommand(io, untilStopped)],
  ['controller', async (io, untilStopped) => (await import('./controller.ts')).controllerCommand(io, untilStopped)],
  ['status', async (io, untilStopped) => (await import('./status.ts')).statusCommand(io, untilStopped)],
  ['inject', async (io) => (await import('./inject.ts')).injectCommand(io)],
  ['rotate', async (io, _untilStopped, untilLeft) => (await import('./rotate/rotate.ts')).rotateCommand(io, untilLeft)],
  ['receipt', async (io) => (await import('./receipt/verify.ts')).receiptsCommand(io)],
  ['audit', async (io) => (await import('./audit/verify.ts')).auditCommand(io)],
  ['explain', async (io) => (await import('./explain.ts')).explainCommand(io)],
  ['inspect', async (io) => (await import('./inspect.ts')).inspectCommand(io)],
  ['verify', async (io) => (await import('./verify.ts')).verifyCommand(io)],
  ['svid', async (io, untilStopped) => (await import('./svid/fetch.ts')).svidCommand(io, untilStopped)],
  ['token', async (io) => (await import('./token.ts')).tokenCommand(io)],
  ['gateway', async (io, untilStopped) => (await import('./gateway.ts')).gatewayCommand(io, untilStopped)],
]);

/**
 * The part of the command line that these arguments need: the one command that they begin with, else all, of which the
 * help and a mistake tell. The parameters are those of `program`.
 */
export async function programFor(args: readonly string[], io: CliIo, untilStopped: Until, untilLeft = untilStopped): Promise<Command> {
  const load = loads.get(args[0]);
  if (load === undefined) return (await import('./program.ts')).program(io, untilStopped, untilLeft);
  return rootCommand(io, [await load(io, untilStopped, untilLeft)]);
}
