import { join } from 'node:path';
import { buildStep } from '../conformance/programs.ts';
import { requirementsMet } from '../conformance/requirements.ts';
import { Command } from '../standalone/command.ts';
import { httpTalk } from './probe.ts';
import { idOf } from './site.ts';
import { testStack } from './stack-tests.ts';

const { env } = process;
const sources = ['Identity.java', 'ReloadingKeys.java', 'PeerCheck.java', 'Server.java', 'Client.java'];

testStack({
  page: 'java',
  ready: await requirementsMet('the page for Java', ['java'], env),
  build: async (folder) => {
    await buildStep(['javac', '-Xlint:all', '-Werror', '-d', join(folder, 'classes'), ...sources], folder, env);
    // It lives for seconds: the first compiler is enough for it.
    const run = (main: string, ...args: readonly string[]): Command => new Command('java', ['-XX:TieredStopAtLevel=1', '-cp', join(folder, 'classes'), main, ...args]);
    return {
      serve: (identity, port, client) => run('Server', identity, String(port), idOf(client)),
      call: (identity, port, server) => run('Client', identity, `https://127.0.0.1:${port}/`, idOf(server)),
    };
  },
  talk: httpTalk,
});
