/** The programs of the page for Node, as the other end of a server that has one end only. */
import { join } from 'node:path';
import { Command } from '../standalone/command.ts';
import { savePageFiles } from './page-files.ts';
import type { Stack } from './scenario.ts';
import { idOf } from './site.ts';

/** Saves the programs of docs/clients/node.md in `folder`. */
export async function nodeStack(folder: string): Promise<Stack> {
  await savePageFiles('node', folder);
  const run = (file: string, ...args: readonly string[]): Command => new Command(process.execPath, [join(folder, file), ...args], { cwd: folder });
  return {
    serve: (identity, port, client) => run('server.mjs', identity, String(port), idOf(client)),
    call: (identity, port, server) => run('client.mjs', identity, `https://127.0.0.1:${port}/`, idOf(server)),
  };
}
