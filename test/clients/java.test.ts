import { join } from 'node:path';
import { buildStep } from '../conformance/programs.ts';
import { requirementsMet } from '../conformance/requirements.ts';
import { Command } from '../standalone/command.ts';
import { httpTalk } from './probe.ts';
import { idOf, keystorePassword, passwordFile } from './site.ts';
import { testStack } from './stack-tests.ts';
import type { Stack } from './scenario.ts';

const { env } = process;
const ready = await requirementsMet('the page for Java', ['java'], env);
const sources = ['Identity', 'PemFiles', 'KeyStoreFiles', 'ReloadingKeys', 'PeerCheck', 'Server', 'Client'].map((name) => `${name}.java`);

/** Compiles the page; `more` are arguments of both programs. */
async function build(folder: string, ...more: readonly string[]): Promise<Stack> {
  await buildStep(['javac', '-Xlint:all', '-Werror', '-d', join(folder, 'classes'), ...sources], folder, env);
  // It lives for seconds: the first compiler is enough for it.
  const run = (main: string, ...args: readonly string[]): Command => new Command('java', ['-XX:TieredStopAtLevel=1', '-cp', join(folder, 'classes'), main, ...args, ...more]);
  return {
    serve: (identity, port, client) => run('Server', identity, String(port), idOf(client)),
    call: (identity, port, server) => run('Client', identity, `https://127.0.0.1:${port}/`, idOf(server)),
  };
}

testStack({ page: 'java', part: 'PEM files', ready, build: (folder) => build(folder), talk: httpTalk });

const formats = { pkcs12: { passwordFile } };
testStack({
  page: 'java',
  part: 'key stores',
  ready,
  build: (folder) => build(folder, keystorePassword),
  talk: httpTalk,
  wishes: { cart: { formats }, checkout: { formats } },
});
