import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LineProgram } from '../line-program.ts';
import { buildStep, ensureBuilt } from '../programs.ts';
import type { Environment } from '../../cluster/places.ts';
import { linePanel, type Panel } from './judge.ts';

/** Builds the Rust judge when the cache lacks it, and returns its path. A cold build takes about a minute. */
export async function rustJudge(env: Environment): Promise<string> {
  const folder = await ensureBuilt(
    {
      source: 'rust',
      inputs: [],
      build: async ({ source, folder, scratch, env }) => {
        await buildStep(['cargo', 'build', '--locked', '--quiet'], source, { ...env, CARGO_TARGET_DIR: scratch });
        await copyFile(join(scratch, 'debug', 'judge'), join(folder, 'judge'));
      },
    },
    env,
  );
  return join(folder, 'judge');
}

/** webpki, which validates for rustls, once for each usage; and the parser of the crate `spiffe`. */
export async function rustPanel(env: Environment): Promise<Panel> {
  return linePanel(['rustls (webpki)', 'Rust spiffe'], new LineProgram([await rustJudge(env), 'verify'], env));
}
