/**
 * A SPIRE server in a process of its own, with its bundle endpoint, and its command line: another implementation of the
 * standards, that nobody here wrote.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../cluster/places.ts';
import { freePorts } from '../cluster/ports.ts';
import { until } from '../standalone/wait.ts';
import { buildStep, ensureBuilt } from './programs.ts';

const run = promisify(execFile);
// With cgo: SQLite is C.
const buildEnvironment = { CGO_ENABLED: '1', GOFLAGS: '', GOWORK: 'off' };

/** Builds the server when the cache lacks it, which takes minutes, and returns its path. @throws {Error} with the compiler's words */
export async function spireServer(env: Environment): Promise<string> {
  const build = ['go', 'build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w'] as const;
  const folder = await ensureBuilt(
    {
      source: 'spire',
      inputs: [],
      build: async ({ source, folder: built, env: around }) => buildStep([...build, '-o', join(built, 'spire-server'), 'github.com/spiffe/spire/cmd/spire-server'], source, { ...around, ...buildEnvironment }),
    },
    env,
  );
  return join(folder, 'spire-server');
}

/** A running server of one trust domain. */
export class Spire implements AsyncDisposable {
  /** Where it serves its bundle, by https_spiffe. */
  readonly bundleUrl: string;
  readonly spiffeId: string;
  readonly #program: string;
  readonly #folder: string;
  readonly #trustDomain: string;
  readonly #child: ChildProcess;

  private constructor(program: string, folder: string, trustDomain: string, port: number, child: ChildProcess) {
    this.#program = program;
    this.#folder = folder;
    this.#trustDomain = trustDomain;
    this.#child = child;
    this.bundleUrl = `https://127.0.0.1:${port}/`;
    this.spiffeId = `spiffe://${trustDomain}/spire/server`;
  }

  static async start(program: string, trustDomain: string): Promise<Spire> {
    const folder = await mkdtemp(join(tmpdir(), 'mtlsd-spire-'));
    const [port = 0, bundlePort = 0] = await freePorts(2);
    const configuration = `
server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  socket_path = "${folder}/api.sock"
  trust_domain = "${trustDomain}"
  data_dir = "${folder}"
  ca_key_type = "ec-p256"
  federation {
    bundle_endpoint {
      address = "127.0.0.1"
      port = ${bundlePort}
      refresh_hint = "10s"
      profile "https_spiffe" {}
    }
  }
}
plugins {
  DataStore "sql" { plugin_data { database_type = "sqlite3", connection_string = "${folder}/db.sqlite3" } }
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "join_token" { plugin_data {} }
}
`;
    await writeFile(join(folder, 'server.conf'), configuration);
    const child = spawn(program, ['run', '-config', join(folder, 'server.conf')], { stdio: ['ignore', 'ignore', 'ignore'] });
    const server = new Spire(program, folder, trustDomain, bundlePort, child);
    await until('the SPIRE server is up', async () => server.#cli('bundle', 'show').then(() => true, () => false));
    return server;
  }

  /** Its roots, PEM. */
  async roots(): Promise<string> {
    return this.#cli('bundle', 'show', '-format', 'pem');
  }

  /** Has it federate with another trust domain, whose server has `endpointId` and is verified by `roots` at first. */
  async federate(trustDomain: string, url: string, endpointId: string, roots: string): Promise<void> {
    const file = join(this.#folder, `${trustDomain}.pem`);
    await writeFile(file, roots);
    const endpoint = ['-bundleEndpointURL', url, '-bundleEndpointProfile', 'https_spiffe', '-endpointSpiffeID', endpointId];
    await this.#cli('federation', 'create', '-trustDomain', trustDomain, ...endpoint, '-trustDomainBundlePath', file);
  }

  /** The bundle document of another trust domain, as it has it; it is told to fetch it. */
  async bundleOf(trustDomain: string): Promise<{ readonly spiffe_refresh_hint?: number; readonly keys: readonly unknown[] }> {
    await this.#cli('federation', 'refresh', '-id', trustDomain);
    return JSON.parse(await this.#cli('bundle', 'list', '-id', `spiffe://${trustDomain}`, '-format', 'spiffe')) as Awaited<ReturnType<Spire['bundleOf']>>;
  }

  /** A workload of it, as a folder that peers read, with the roots of the trust domains in `federated`. */
  async workload(path: string, federated: readonly string[]): Promise<{ readonly folder: string; readonly spiffeId: string }> {
    const spiffeId = `spiffe://${this.#trustDomain}${path}`;
    const folder = join(this.#folder, `workload${path.replaceAll('/', '-')}-${federated.length}`);
    const generation = join(folder, 'generation');
    await mkdir(generation, { recursive: true });
    await this.#cli('x509', 'mint', '-spiffeID', spiffeId, '-ttl', '30m', '-write', generation);
    const read = (file: string): Promise<string> => readFile(join(generation, file), 'utf8');
    const [chain, key] = [await read('svid.pem'), await read('key.pem')];
    const files = { 'tls.crt': chain, 'tls.key': key, 'ca.crt': await this.roots(), 'credential-bundle.pem': key + chain };
    for (const [name, text] of Object.entries(files)) await writeFile(join(generation, name), text);
    for (const name of federated) await writeFile(join(generation, `federated.${name}.crt`), await this.#cli('bundle', 'list', '-id', `spiffe://${name}`, '-format', 'pem'));
    await symlink('generation', join(folder, '..data'));
    return { folder, spiffeId };
  }

  async #cli(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#program, [...args, '-socketPath', join(this.#folder, 'api.sock')], { timeout: 20_000 });
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
