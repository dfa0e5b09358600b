import type { Environment } from '../../cluster/places.ts';
import { buildStep, ensureBuilt } from '../programs.ts';

type Command = readonly [string, ...string[]];

/** keytool has its entry point in a package that the platform keeps to itself. */
const exported = ['--add-exports', 'java.base/sun.security.tools.keytool=ALL-UNNAMED'] as const;

/** Compiles the programs that take keystores when the cache lacks them, and returns the commands that run them. */
export async function keystorePrograms(env: Environment): Promise<{ readonly keytool: Command; readonly peer: Command }> {
  const folder = await ensureBuilt(
    {
      source: 'keystores',
      inputs: [],
      build: async ({ source, folder, env }) => {
        await buildStep(['javac', ...exported, '-d', folder, 'Keytool.java', 'KeystorePeer.java'], source, env);
      },
    },
    env,
  );
  const java = ['java', '-XX:TieredStopAtLevel=1', '-cp', folder] as const;
  return { keytool: [...java, '-Duser.language=en', ...exported, 'Keytool'], peer: [...java, 'KeystorePeer'] };
}
