import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LineProgram } from '../line-program.ts';
import { buildStep, ensureBuilt } from '../programs.ts';
import type { Environment } from '../../cluster/places.ts';
import { linePanel, type Panel } from './judge.ts';

type Command = readonly [string, ...string[]];

const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Compiles the Java judge when the cache lacks it, and returns the command that runs it. */
export async function javaJudge(env: Environment): Promise<Command> {
  const folder = await ensureBuilt(
    {
      source: 'java',
      inputs: [],
      build: async ({ source, folder, env }) => {
        await buildStep(['mvn', '--batch-mode', '--quiet', copyDependencies, '-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'lib')}`], source, env);
        const files = (await readdir(join(source, 'src'))).map((name) => join('src', name));
        await buildStep(['javac', '-Xlint:all', '-Werror', '-cp', join(folder, 'lib', '*'), '-d', join(folder, 'classes'), ...files], source, env);
      },
    },
    env,
  );
  // A judge lives for seconds: the first compiler is enough for it.
  return ['java', '-XX:TieredStopAtLevel=1', '-cp', `${join(folder, 'classes')}:${join(folder, 'lib', '*')}`, 'Judge'];
}

/** The JDK's PKIX validator, and java-spiffe. */
export async function javaPanel(env: Environment): Promise<Panel> {
  return linePanel(['Java PKIX', 'java-spiffe'], new LineProgram([...(await javaJudge(env)), 'verify'], env));
}
