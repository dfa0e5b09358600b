import { join } from 'node:path';
import { LineProgram } from '../line-program.ts';
import { buildStep, ensureBuilt } from '../programs.ts';
import type { Environment } from '../../cluster/places.ts';
import { linePanel, type Panel } from './judge.ts';

// No cgo: no C compiler is needed, and Go's own resolver and crypto are what is judged.
const buildEnvironment = { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };

/** Builds the Go judge when the cache lacks it, and returns its path. @throws {Error} with the compiler's words */
export async function goJudge(env: Environment): Promise<string> {
  const folder = await ensureBuilt(
    {
      source: 'go',
      inputs: [],
      build: async ({ source, folder, env }) =>
        buildStep(['go', 'build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', join(folder, 'judge'), '.'], source, { ...env, ...buildEnvironment }),
    },
    env,
  );
  return join(folder, 'judge');
}

/** Go's crypto/x509, once for each usage, and go-spiffe's x509svid. */
export async function goPanel(env: Environment): Promise<Panel> {
  return linePanel(['Go crypto/x509', 'go-spiffe'], new LineProgram([await goJudge(env), 'verify'], env));
}
