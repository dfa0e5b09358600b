import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LineProgram } from '../line-program.ts';
import { buildStep, ensureBuilt } from '../programs.ts';
import type { Environment } from '../../cluster/places.ts';
import { linePanel, type Panel } from './judge.ts';

type Command = readonly [string, ...string[]];

const run = promisify(execFile);
const source = join(import.meta.dirname, '..', 'python');

/** Installs the pinned packages of a folder into the cache when it lacks them, and returns where they are: for PYTHONPATH. */
export async function pythonPackages(pinnedIn: string, env: Environment): Promise<string> {
  return ensureBuilt(
    {
      source: pinnedIn,
      // A wheel with a compiled part fits one version of Python.
      inputs: [(await run('python3', ['--version'])).stdout],
      // No virtual environment: one cannot be moved to its final place, and a folder of packages can.
      build: async ({ source, folder }) =>
        buildStep(['python3', '-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--target', folder, '-r', 'requirements.txt'], source, env),
    },
    env,
  );
}

/** The command that runs the Python judge. */
export async function pythonJudge(env: Environment): Promise<Command> {
  return ['env', `PYTHONPATH=${await pythonPackages('python/packages', env)}`, 'PYTHONDONTWRITEBYTECODE=1', 'python3', join(source, 'judge.py')];
}

/** The validator of `cryptography`, and the parser of `spiffe`. */
export async function pythonPanel(env: Environment): Promise<Panel> {
  return linePanel(['Python cryptography', 'Python spiffe'], new LineProgram([...(await pythonJudge(env)), 'verify'], env));
}
