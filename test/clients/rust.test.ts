import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../cluster/places.ts';
import { buildStep } from '../conformance/programs.ts';
import { requirementsMet } from '../conformance/requirements.ts';
import { Command } from '../standalone/command.ts';
import { plainTalk } from './probe.ts';
import { idOf } from './site.ts';
import { testStack } from './stack-tests.ts';

const { env } = process;

testStack({
  page: 'rust',
  ready: await requirementsMet('the page for Rust', ['cargo'], env),
  build: async (folder) => {
    // Same crates, features and profile as the judge of the conformance tests: what it had compiled is not compiled again.
    const target = join(cacheRoot(env), 'conformance', 'rust.scratch');
    await copyFile(join(import.meta.dirname, 'rust', 'Cargo.lock'), join(folder, 'Cargo.lock'));
    await buildStep(['cargo', 'build', '--locked', '--quiet'], folder, { ...env, CARGO_TARGET_DIR: target });
    const program = join(folder, 'hello');
    await copyFile(join(target, 'debug', 'hello'), program);
    return {
      serve: (identity, port, client) => new Command(program, ['serve', identity, `127.0.0.1:${port}`, idOf(client)]),
      call: (identity, port, server) => new Command(program, ['call', identity, `127.0.0.1:${port}`, idOf(server)]),
    };
  },
  talk: plainTalk,
});
