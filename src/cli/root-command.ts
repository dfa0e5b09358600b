import { Command } from 'commander';
import { completeHelp } from './help.ts';
import type { CliIo } from './io.ts';

/** `mtlsd` with these commands below it. */
export function rootCommand(io: CliIo, commands: readonly Command[]): Command {
  const mtlsd = new Command('mtlsd')
    .description('The internal certificate authority and mTLS issuance daemon: short-lived SPIFFE identities, renewed for ever.')
    .version('0.1.0', '--version', 'print the version')
    .helpCommand(false);
  for (const command of commands) mtlsd.addCommand(command);
  for (const command of withSubcommands(mtlsd)) {
    command.exitOverride().configureOutput({ writeOut: io.stdout, writeErr: io.stderr }).showHelpAfterError('(--help shows what it takes)');
    completeHelp(command);
  }
  return mtlsd;
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
