import { join } from 'node:path';
import { Command } from '../standalone/command.ts';
import { httpRequest } from './probe.ts';
import { testStack } from './stack-tests.ts';

testStack({
  page: 'node',
  ready: true,
  build: async (folder) => {
    const run = (file: string, ...args: readonly string[]): Command => new Command(process.execPath, [join(folder, file), ...args], { cwd: folder });
    return {
      serve: (identity, port, client) => run('server.mjs', identity, String(port), client),
      call: (identity, port, server) => run('client.mjs', identity, `https://127.0.0.1:${port}/`, server),
    };
  },
  talkTo: (port) => ({ port, request: httpRequest }),
});
