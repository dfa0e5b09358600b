import { Readable } from 'node:stream';
import { CommanderError } from 'commander';
import type { CliIo } from '../../src/cli/io.ts';
import { program } from '../../src/cli/program.ts';
import { isMtlsdError } from '../../src/errors/index.ts';

/** What a command said, and what it ended with: an exit status, or an error of the catalogue. */
export interface Captured {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
  readonly error: string | undefined;
}

interface Surroundings {
  readonly nowMs?: number;
  readonly stdin?: string;
  /** Ends a command that goes on. */
  readonly stopped?: Promise<void>;
}

/** Runs one command in this process. */
export async function captured(args: readonly string[], { nowMs = Date.parse('2026-03-01T09:01:15Z'), stdin, stopped = new Promise(() => undefined) }: Surroundings = {}): Promise<Captured> {
  let [stdout, stderr, status] = ['', '', 0];
  const input = Readable.from(stdin === undefined ? [] : [stdin]);
  const io: CliIo = {
    // What is typed comes from a terminal.
    stdin: stdin === undefined ? input : Object.assign(input, { isTTY: true }),
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    isTerminal: false,
    nowMs: () => nowMs,
    setExitCode: (code) => void (status = code),
  };
  try {
    await program(io, () => stopped).parseAsync([...args], { from: 'user' });
    return { stdout, stderr, status, error: undefined };
  } catch (error) {
    if (isMtlsdError(error)) return { stdout, stderr, status, error: `${error.code}: ${error.message}` };
    if (error instanceof CommanderError) return { stdout, stderr, status: error.exitCode, error: error.code };
    throw error;
  }
}
