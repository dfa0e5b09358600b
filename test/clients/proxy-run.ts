/** Starts a server that a page configures, with the loop beside it that follows renewals. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from '../standalone/command.ts';
import { fillIn, savePageFiles } from './page-files.ts';

/** Where pods find their identity, and so where pages look for it. */
const mounted = '/var/run/secrets/mtlsd';

/** The files of a page that shows a configuration, with the loop of docs/clients/README.md beside them. */
export class ConfiguredPage {
  readonly #saved: string;
  readonly #runs: string;

  private constructor(folder: string) {
    this.#saved = join(folder, 'page');
    this.#runs = join(folder, 'run-');
  }

  static async save(page: string, folder: string): Promise<ConfiguredPage> {
    const configured = new ConfiguredPage(folder);
    for (const each of [page, 'README']) await savePageFiles(each, configured.#saved);
    return configured;
  }

  /** A copy for one run, filled in for an identity; `differs` says what else is not as on the page, given the folder of the run. */
  fillIn(identity: string, differs: (run: string) => Readonly<Record<string, string>>): string {
    const run = mkdtempSync(this.#runs);
    fillIn(this.#saved, run, { [mounted]: identity, ...differs(run) });
    return run;
  }
}

/** Runs a server, with the loop beside it. */
export const serveBeside = (loop: string, server: string, run: string): Command => new Command('sh', ['-c', `${loop} & exec ${server}`], { cwd: run });

/**
 * A client that leaves TLS to a proxy on its machine, which it calls in the clear, for ever; with the proxy and its loop, which end
 * when it does.
 */
export function callThrough(proxy: readonly string[], port: number, run: string): Command {
  const url = `http://127.0.0.1:${port}/`;
  const commands = [
    "trap 'trap - EXIT TERM; kill 0' EXIT TERM",
    ...proxy.map((command, index) => `${command} >${index}.log 2>&1 &`),
    `until curl --silent --output nothing ${url}; do sleep 0.05; done`,
    `while curl --silent --fail --show-error ${url}; do sleep 0.05; done`,
    'exit 1',
  ];
  return new Command('sh', ['-c', commands.join('\n')], { cwd: run });
}
