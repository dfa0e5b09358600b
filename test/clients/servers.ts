/** Servers that pages configure. npm does not bring them: Debian's packages do. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';

interface Program {
  readonly probe: () => boolean;
  readonly remedy: string;
}

const answers = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;

/** Where Debian keeps the programs of PostgreSQL; empty where they are on PATH. */
export const postgresFolder = globSync('/usr/lib/postgresql/*/bin').toSorted().at(-1) ?? '';

const programs = {
  nginx: { probe: () => answers('nginx', '-v') && existsSync('/usr/lib/nginx/modules/ngx_http_js_module.so'), remedy: 'install nginx-light and libnginx-mod-http-js' },
  haproxy: { probe: () => answers('haproxy', '-v'), remedy: 'install haproxy' },
  socat: { probe: () => answers('socat', '-V'), remedy: 'install socat' },
  curl: { probe: () => answers('curl', '--version'), remedy: 'install curl' },
  postgres: { probe: () => answers(join(postgresFolder, 'initdb'), '--version') && answers('psql', '--version'), remedy: 'install postgresql-15' },
  root: { probe: () => process.getuid?.() === 0, remedy: 'run the tests as root' },
} as const satisfies Record<string, Program>;

/**
 * Whether all of these are there. On a person's machine the tests of a page are skipped without them, with one loud line.
 *
 * @throws {Error} when one is missing and CI=true
 */
export function serversThere(page: string, ...needed: readonly (keyof typeof programs)[]): boolean {
  const missing = needed.filter((name) => !programs[name].probe());
  if (missing.length === 0) return true;
  const line = `docs/clients/${page}.md: no ${missing.join(', no ')} (${missing.map((name) => programs[name].remedy).join('; ')})`;
  if (process.env['CI'] === 'true') throw new Error(`${line}. Under CI=true nothing is skipped.`);
  process.stderr.write(`\nSKIPPED: ${line}\n`);
  return false;
}
