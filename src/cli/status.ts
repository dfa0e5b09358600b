import { Command, Option } from 'commander';
import { readOutputFolder } from '../app/output-folder.ts';
import { exitCodes, exitCodesHelp } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { overviewText } from './overview-text.ts';

interface StatusOptions {
  readonly out: string;
  readonly output: 'text' | 'json';
}

/** `mtlsd status`: trust domains, authorities, identities, and what is wrong and what to do about it. */
export function statusCommand(io: CliIo): Command {
  return new Command('status')
    .description('Show trust domains, authorities and identities with the life they have left, and what is wrong.')
    .option('--out <folder>', 'the folder that `mtlsd run` writes to', '.mtlsd')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText('after', exitCodesHelp)
    .action(async (options: StatusOptions) => {
      const overview = await readOutputFolder(options.out, io.nowMs());
      const text = options.output === 'json' ? `${JSON.stringify(overview, undefined, 2)}\n` : overviewText(overview, { colour: io.isTerminal, width: io.isTerminal ? process.stdout.columns || 100 : Infinity });
      io.stdout(text);
      if (overview.problems.length > 0) io.setExitCode(exitCodes.no);
    });
}
