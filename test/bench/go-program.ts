import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What Go measured for one pair of key algorithms. */
export interface GoRate {
  readonly leaf: string;
  readonly authority: string;
  readonly perSecond: number;
}

/** Builds the Go program of this folder into the cache (Go's own build cache makes a second time cheap) and returns its path. */
export async function buildGoProgram(): Promise<string> {
  const { MTLSD_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  const cache = MTLSD_CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'mtlsd');
  const program = join(cache, 'bench', 'sign');
  await mkdir(join(cache, 'bench'), { recursive: true });
  try {
    await execute('go', ['build', '-o', program, '.'], { cwd: join(import.meta.dirname, 'go') });
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the comparison with Go needs Go 1.24 or later on the PATH: ${detail}`, { cause });
  }
  return program;
}

/** Runs it over pairs such as `ECDSAP256/RSA2048` (leaf/authority), `cpuMs` of CPU time each. */
export async function goRates(program: string, cpuMs: number, pairs: readonly string[]): Promise<readonly GoRate[]> {
  const { stdout } = await execute(program, [String(cpuMs), ...pairs]);
  return stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as GoRate);
}
