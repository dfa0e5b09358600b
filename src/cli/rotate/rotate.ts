import { Command } from 'commander';
import type { CliIo } from '../io.ts';
import { abortCommand, approveCommand, exemptCommand, pauseCommand, resumeCommand } from './change.ts';
import { receiptCommand } from './receipt.ts';
import { startCommand } from './start.ts';
import { waitCommand } from './wait.ts';

/** `mtlsd rotate`: replaces authorities, with evidence at every step. */
export function rotateCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  return new Command('rotate')
    .description('Replace the root or the issuing authority of a trust domain, with evidence at every step.')
    .helpCommand(false)
    .addCommand(startCommand('Root', io, untilStopped))
    .addCommand(startCommand('Issuing', io, untilStopped))
    .addCommand(waitCommand(io, untilStopped))
    .addCommand(approveCommand(io))
    .addCommand(exemptCommand(io))
    .addCommand(pauseCommand(io))
    .addCommand(resumeCommand(io))
    .addCommand(abortCommand(io))
    .addCommand(receiptCommand(io));
}
