import { requirementsMet } from '../conformance/requirements.ts';
import { Command } from '../standalone/command.ts';
import { httpTalk } from './probe.ts';
import { idOf } from './site.ts';
import { testStack } from './stack-tests.ts';

testStack({
  page: 'python',
  ready: await requirementsMet('the page for Python', ['python'], process.env),
  build: async (folder) => {
    const run = (file: string, ...args: readonly string[]): Command => new Command('python3', [file, ...args], { cwd: folder });
    return {
      serve: (identity, port, client) => run('server.py', identity, String(port), idOf(client)),
      call: (identity, port, server) => run('client.py', identity, `https://127.0.0.1:${port}/`, idOf(server)),
    };
  },
  talk: httpTalk,
});
