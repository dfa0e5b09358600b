/**
 * What a test needs that npm does not bring: Go, OpenSSL, root. On a person's machine such a test is skipped with one
 * loud line that says how to get it; under CI=true a missing tool fails, because there nothing may be skipped.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Environment } from '../cluster/places.ts';

const run = promisify(execFile);

interface Tool {
  /** How it answers when it is there. */
  readonly probe: readonly [program: string, ...args: string[]];
  readonly remedy: string;
}

const tools = {
  go: { probe: ['go', 'version'], remedy: 'install Go 1.26 or later from https://go.dev/dl/' },
  cc: { probe: ['cc', '--version'], remedy: 'install a C compiler, such as GCC' },
  openssl: { probe: ['openssl', 'version'], remedy: 'install OpenSSL 3.0 or later with the package manager of this system' },
  cargo: { probe: ['cargo', '--version'], remedy: 'install Rust 1.88 or later from https://rustup.rs' },
  java: { probe: ['javac', '--version'], remedy: 'install a Java development kit, version 17 or later' },
  maven: { probe: ['mvn', '--version'], remedy: 'install Maven 3.8 or later' },
  python: { probe: ['python3', '-c', 'import venv, sys; sys.exit(sys.version_info < (3, 10))'], remedy: 'install Python 3.10 or later with its venv module' },
} as const satisfies Record<string, Tool>;

/** A tool that a test can ask for. */
export type ToolName = keyof typeof tools;

/**
 * Whether all of these tools are there, to be used as `describe.skipIf(!(await requirementsMet(…)))`.
 *
 * @param what the tests that need them, as it stands in the line that says they are skipped
 * @throws {Error} when one is missing and CI=true
 */
export async function requirementsMet(what: string, needed: readonly ToolName[], env: Environment): Promise<boolean> {
  const answers = await Promise.all(needed.map(async (name) => ((await isThere(tools[name].probe, env)) ? [] : [name])));
  const missing = answers.flat();
  if (missing.length === 0) return true;
  const line = `${what}: ${missing.join(' and ')} not found on PATH; ${missing.map((name) => tools[name].remedy).join('; ')}`;
  if (env['CI'] === 'true') throw new Error(`${line}. Under CI=true nothing is skipped.`);
  process.stderr.write(`\nSKIPPED: ${line}\n`);
  return false;
}

const ownVersions: readonly (readonly [name: string, ...command: [string, ...string[]]])[] = [
  ['OpenSSL', 'openssl', 'version'],
  ['Go', 'go', 'version'],
  ['JDK', 'javac', '--version'],
];

/**
 * The versions of the tools that are the machine's own and judge by rules of their own: `OpenSSL 3.0, Go 1.26, JDK 17.0`.
 * What a page says of them holds for these versions.
 */
export async function machineVersions(env: Environment): Promise<string> {
  const told = ownVersions.map(async ([name, program, ...args]) => {
    const { stdout } = await run(program, args, { env: { ...env } });
    return `${name} ${/\d+\.\d+/.exec(stdout)?.[0] ?? 'of an unknown version'}`;
  });
  return (await Promise.all(told)).join(', ');
}

async function isThere([program, ...args]: Tool['probe'], env: Environment): Promise<boolean> {
  return run(program, args, { env: { ...env }, timeout: 30_000 }).then(
    () => true,
    () => false,
  );
}
