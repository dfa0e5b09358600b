import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { exitCodesHelp } from '../../src/cli/exit-codes.ts';
import { program } from '../../src/cli/program.ts';

const columns = 100;

/** The command line of mtlsd as an object, which does nothing: for its help, its options and its commands. */
export function commandLine(): Command {
  const nowhere = { stdin: Readable.from([]), stdout: () => undefined, stderr: () => undefined, isTerminal: false, nowMs: () => 0, setExitCode: () => undefined };
  return program(nowhere, async () => Promise.resolve());
}

/** What `--help` prints in a terminal of fixed width. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => columns, getOutHasColors: () => false });
  command.outputHelp();
  return text.trimEnd();
}

/** Each command with its words, those of more words behind the one that they belong to. */
function commandsBelow(command: Command, words: string): readonly (readonly [words: string, command: Command])[] {
  return command.commands.flatMap((below) => {
    const own = `${words} ${below.name()}`;
    return [[own, below] as const, ...commandsBelow(below, own)];
  });
}

/** docs/reference/cli.md: what each command prints with `--help`. */
export function cliPage(): string {
  const mtlsd = commandLine();
  // What ends each of them stands once, above.
  const ofCommand = (command: Command): string => helpOf(command).replace(exitCodesHelp.trimEnd(), '').trimEnd();
  const sections = commandsBelow(mtlsd, 'mtlsd').map(([words, command]) => `## ${words}\n\n\`\`\`text\n${ofCommand(command)}\n\`\`\`\n`);
  return `<!-- Generated from src/cli by \`npm run generate\`. Do not edit. -->
# Command line

From a checkout the program is \`bin/mtlsd\`. Commands and options are fixed within a version of the API: scripts may rely on
them, on the exit status, and on the fields that \`--output json\` prints (new ones may be added). Colours are for terminals alone, and for none where
\`NO_COLOR\` is set.

\`\`\`text
${helpOf(mtlsd)}
\`\`\`

${sections.join('\n')}`;
}
