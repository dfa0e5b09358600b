import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { programFor } from '../../src/cli/one-command.ts';
import { program } from '../../src/cli/program.ts';

const io: CliIo = { stdin: Readable.from([]), stdout: () => undefined, stderr: () => undefined, isTerminal: false, nowMs: () => 0, setExitCode: () => undefined };
const never = (): Promise<void> => new Promise(() => undefined);
const all = program(io, never);
const names = (command: typeof all): readonly string[] => command.commands.map((each) => each.name());

test.each(names(all))('%s is loaded without the others, and is the same', async (name) => {
  const alone = await programFor([name, '--anything'], io, never);
  expect(names(alone)).toEqual([name]);
  const [command, among] = [alone, all].map((each) => each.commands.find((below) => below.name() === name));
  expect(command?.helpInformation()).toBe(among?.helpInformation());
  expect(command?.commands.map((below) => below.helpInformation())).toEqual(among?.commands.map((below) => below.helpInformation()));
});

test.each([[[]], [['--help']], [['--version', 'run']], [['runs']], [['constructor']]])('%j needs all commands', async (args) => {
  expect(names(await programFor(args, io, never))).toEqual(names(all));
});
