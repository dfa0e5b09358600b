import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
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

const commands = ['run', 'controller', 'status', 'inject', 'inspect', 'verify'];

describe('mtlsd', () => {
  test('has the commands that others script', async () => {
    const { stdout, status } = await parse('--help');
    expect(status).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'mu'));
  });

  test.each([[], ...commands.map((command) => [command])])('%s --help ends with what the exit status means', async (...command) => {
    const { stdout, stderr, status } = await parse(...command, '--help');
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toContain('Usage: mtlsd');
    expect(stdout.trimEnd().endsWith(exitCodesHelp.trimEnd())).toBe(true);
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

  test('loads the Kubernetes client for commands on a cluster alone: it takes longer to load than all the rest', () => {
    const root = resolve(import.meta.dirname, '../..');
    const loaded = new Set<string>();
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)';$/gmu)) load(resolve(dirname(file), target));
    };
    load(resolve(root, 'src/cli/main.ts'));
    const names = [...loaded].map((file) => relative(root, file));
    expect(names).toContain('src/app/standalone.ts');
    expect(names.filter((name) => /^src\/(?:store\/kubernetes|server)\//u.test(name))).toEqual([]);
  });
});
