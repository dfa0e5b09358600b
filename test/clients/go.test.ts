import { join } from 'node:path';
import { buildStep } from '../conformance/programs.ts';
import { requirementsMet } from '../conformance/requirements.ts';
import { Command } from '../standalone/command.ts';
import { httpTalk } from './probe.ts';
import { idOf } from './site.ts';
import { testStack } from './stack-tests.ts';

const { env } = process;

testStack({
  page: 'go',
  ready: await requirementsMet('the page for Go', ['go'], env),
  build: async (folder) => {
    const program = join(folder, 'hello');
    await buildStep(['go', 'vet', '.'], folder, env);
    await buildStep(['go', 'build', '-o', program, '.'], folder, env);
    return {
      serve: (identity, port, client) => new Command(program, ['serve', identity, `127.0.0.1:${port}`, idOf(client)]),
      call: (identity, port, server) => new Command(program, ['call', identity, `https://127.0.0.1:${port}/`, idOf(server)]),
    };
  },
  talk: httpTalk,
});
