import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { CommanderError, type Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../../scripts/reference/cli-page.ts';
import { exitCodesHelp } from '../../src/cli/exit-codes.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { program } from '../../src/cli/program.ts';

/** What commander does with arguments before any command runs. */
async function parse(...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string; readonly status: number | undefined }> {
  let [stdout, stderr] = ['', ''];
  const io: CliIo = {
    stdin: Readable.from([]),
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    isTerminal: false,
    nowMs: () => 0,
    setExitCode: () => undefined,
  };
  try {
    await program(io, () => Promise.resolve()).parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { stdout, stderr, status: error.exitCode };
  }
  return { stdout, stderr, status: undefined };
}

/** Every command, by its words. */
function wordsBelow(command: Command, words: readonly string[] = []): readonly (readonly string[])[] {
  return command.commands.flatMap((below) => [[...words, below.name()], ...wordsBelow(below, [...words, below.name()])]);
}

const every = wordsBelow(commandLine());
/** Resolves when commander takes a line as it stands: nothing is done by it. */
async function understood(line: string): Promise<void> {
  const words = line.trim().split(/ [|>] /u)[0]?.match(/'[^']*'|\S+/gu)?.slice(1) ?? [];
  const mtlsd = commandLine();
  for (const command of [mtlsd, ...mtlsd.commands, ...mtlsd.commands.flatMap(({ commands: below }) => below)]) command.action(() => undefined);
  await mtlsd.parseAsync([...words], { from: 'user' });
}

const commands = ['run', 'controller', 'status', 'inject', 'inspect', 'verify'];

describe('mtlsd', () => {
  test('has the commands that others script', async () => {
    const { stdout, status } = await parse('--help');
    expect(status).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'mu'));
  });

  test.each([[], ...every].map((words) => [words.join(' '), words] as const))('%s --help fits 80 columns, and ends with what the exit status means', async (_words, command) => {
    const { stdout, stderr, status } = await parse(...command, '--help');
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toContain('Usage: mtlsd');
    expect(stdout.trimEnd().endsWith(exitCodesHelp.trimEnd())).toBe(true);
    // An example is a line to be copied, however long it is.
    const [text = '', below = ''] = stdout.split('\nExamples:\n');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(text).not.toMatch(/default: [[{]/u);
    for (const line of below.split('\n').filter((each) => each.startsWith('  mtlsd '))) await expect(understood(line)).resolves.toBeUndefined();
  });

  test('the help of every command that does something has an example', async () => {
    const doers = every.filter((words) => !every.some((other) => other.length > words.length && words.every((word, at) => other[at] === word)));
    const without = await Promise.all(doers.map(async (words) => [words.join(' '), (await parse(...words, '--help')).stdout.includes('\nExamples:\n')] as const));
    // What is done to a rotation that is under way is said in their first line.
    expect(without.flatMap(([words, has]) => (has ? [] : [words]))).toEqual(['rotate pause', 'rotate resume', 'rotate abort']);
  });

  test('an option without which a command does nothing is marked', async () => {
    expect((await parse('run', '--help')).stdout).toMatch(/--out <folder> [^]*?\(required\)\n +--state/u);
  });

  test.each([
    ['an unknown command', ['frobnicate'], "error: unknown command 'frobnicate'"],
    ['a command that is nearly one', ['statsu'], '(Did you mean status?)'],
    ['an unknown option', ['run', 'x', '--out', 'y', '--nope'], "error: unknown option '--nope'"],
    ['a missing folder', ['run', '--out', 'y'], "error: missing required argument 'dir'"],
    ['a missing --out', ['run', 'x'], "error: required option '--out <folder>' not specified"],
    ['too many arguments', ['run', 'x', 'y', '--out', 'z'], 'error: too many arguments'],
    ['an unknown format', ['status', '--output', 'xml'], "Allowed choices are text, json."],
    ['an unknown level', ['run', 'x', '--out', 'y', '--log-level', 'loud'], 'Allowed choices are debug, info, warn, error.'],
  ])('%s is refused, with where to look', async (_what, args, sentence) => {
    const { stdout, stderr, status } = await parse(...args);
    expect(stdout).toBe('');
    expect(stderr).toContain(sentence);
    expect(stderr).toContain('(--help shows what it takes)');
    expect(status).not.toBe(0);
  });

  test('loads the Kubernetes client for commands on a cluster alone, which takes longer to load than all the rest, and no command for another', () => {
    const root = resolve(import.meta.dirname, '../..');
    const loadedBy = (entry: string): readonly string[] => {
      const loaded = new Set<string>();
      const load = (file: string): void => {
        if (loaded.has(file)) return;
        loaded.add(file);
        for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)';$/gmu)) load(resolve(dirname(file), target));
      };
      load(resolve(root, entry));
      return [...loaded].map((file) => relative(root, file));
    };
    const all = loadedBy('src/cli/program.ts');
    expect(all).toContain('src/app/standalone.ts');
    expect(all.filter((name) => /^src\/(?:store\/kubernetes|server)\//u.test(name))).toEqual([]);
    const first = loadedBy('src/cli/main.ts');
    expect(first).toContain('src/cli/one-command.ts');
    expect(first.filter((name) => /^src\/(?:app|x509|controllers)\//u.test(name))).toEqual([]);
  });
});
