/**
 * The programs of the test cluster, built from pinned Go modules (`gomod*` beside this file) into a cache
 * outside the checkout. The cache folder is named by a hash of everything that goes into the builds, so a
 * changed pin builds anew and an old checkout finds its old programs. A program appears in it complete or not at all.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { withLock } from './lock.ts';
import { cacheRoot } from './places.ts';
import type { Environment } from './places.ts';
import type { BuildProgress } from './progress.ts';

interface Recipe {
  /** Folder of the Go module that pins the program, beside this file. */
  readonly module: 'gomod' | 'gomod-etcd' | 'gomod-helm';
  readonly package: string;
}

const recipes = {
  etcd: { module: 'gomod-etcd', package: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': { module: 'gomod', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  kubectl: { module: 'gomod', package: 'k8s.io/kubernetes/cmd/kubectl' },
  helm: { module: 'gomod-helm', package: 'helm.sh/helm/v4/cmd/helm' },
  'kube-controller-manager': { module: 'gomod', package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  'kube-scheduler': { module: 'gomod', package: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  kubelet: { module: 'gomod', package: 'k8s.io/kubernetes/cmd/kubelet' },
} as const satisfies Record<string, Recipe>;

/** A program that `ensureBinaries` can build. */
export type Binary = keyof typeof recipes;

/** What the tests need that have no node: the API server and the programs that talk to it. */
export const defaultBinaries: readonly Binary[] = ['etcd', 'kube-apiserver', 'kubectl', 'helm', 'kube-controller-manager'];
/** Every program, in the order in which they are worth having. */
export const allBinaries = Object.keys(recipes) as readonly Binary[];

/** True for the name of a program that can be built. */
export function isBinary(name: string): name is Binary {
  return Object.hasOwn(recipes, name);
}

// -trimpath: the result does not depend on where the module cache is. No cgo: no C compiler is needed.
const buildFlags = ['-mod=readonly', '-trimpath', '-buildvcs=false'];
const buildEnvironment = { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };
const run = promisify(execFile);

/** The folder, in the cache, of the programs that this checkout pins. It need not exist yet. */
export async function binaryFolder(env: Environment): Promise<string> {
  const hash = createHash('sha256');
  for (const module of new Set(Object.values(recipes).map((recipe) => recipe.module))) {
    for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(import.meta.dirname, module, file)));
  }
  hash.update(JSON.stringify([recipes, buildFlags, buildEnvironment, await linkerFlags(), process.platform, process.arch]));
  return join(cacheRoot(env), 'cluster', hash.digest('hex').slice(0, 16), 'bin');
}

/** Which of these programs the cache lacks. */
export async function missingBinaries(names: readonly Binary[], env: Environment): Promise<Binary[]> {
  const folder = await binaryFolder(env);
  const present = await Promise.all(names.map((name) => exists(join(folder, name))));
  return names.filter((_, index) => !present[index]);
}

/**
 * Builds what the cache lacks of these programs, one after the other, and returns the folder that holds them.
 * Waits for another process that is building the same.
 * @throws {Error} when Go is missing, or with the compiler's own words
 */
export async function ensureBinaries(names: readonly Binary[], env: Environment, progress: BuildProgress): Promise<string> {
  const folder = await binaryFolder(env);
  if ((await missingBinaries(names, env)).length === 0) return folder;
  await requireGo(env);
  await mkdir(folder, { recursive: true });
  const onWait = (pid: number) => progress.note(`process ${pid} is building the same programs; waiting for it`);
  await withLock(join(folder, '..', 'build.lock'), onWait, async () => {
    for (const name of await missingBinaries(names, env)) await buildOne(name, folder, env, progress);
  });
  return folder;
}

async function buildOne(name: Binary, folder: string, env: Environment, progress: BuildProgress): Promise<void> {
  const unfinished = join(folder, `.${name}.${process.pid}`);
  const recipe = recipes[name];
  const args = ['build', '-v', ...buildFlags, '-ldflags', await linkerFlags(), '-o', unfinished, recipe.package];
  const step = progress.begin(name);
  try {
    await goBuild(args, join(import.meta.dirname, recipe.module), env, (packages) => step.update(packages));
    await rename(unfinished, join(folder, name));
    step.end(true);
  } catch (error) {
    step.end(false);
    await rm(unfinished, { force: true });
    throw new Error(`building ${name} failed: ${(error as Error).message}`, { cause: error });
  }
}

/** Runs `go build -v`, which names each package that it compiles on a line of its own. */
async function goBuild(args: readonly string[], cwd: string, env: Environment, onPackage: (count: number) => void): Promise<void> {
  const child = spawn('go', args, { cwd, env: { ...env, ...buildEnvironment }, stdio: ['ignore', 'ignore', 'pipe'] });
  if (child.pid !== undefined) setPriority(child.pid, 10);
  const lastLines: string[] = [];
  let packages = 0;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) onPackage(++packages);
    else if (lastLines.push(line) > 30) lastLines.shift();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(lastLines.join('\n') || `go build ended with code ${code}`);
}

async function requireGo(env: Environment): Promise<void> {
  try {
    await run('go', ['version'], { env: { ...env } });
  } catch (error) {
    throw new Error(
      'Go was not found on PATH, and the test cluster (etcd, kube-apiserver, kubectl) is built with it. ' +
        'Install Go 1.26 or later from https://go.dev/dl/ and run `npm run cluster -- build`; ' +
        'or let the tests use a cluster of your own: MTLSD_TEST_KUBECONFIG=/path/to/kubeconfig.',
      { cause: error },
    );
  }
}

/** Kubernetes' own build stamps its version by the linker; without it the API server says that it is v0.0.0. */
async function linkerFlags(): Promise<string> {
  const pins = await readFile(join(import.meta.dirname, 'gomod', 'go.mod'), 'utf8');
  const version = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/.exec(pins);
  if (version === null) throw new Error('test/cluster/gomod/go.mod names no version of k8s.io/kubernetes');
  const stamp = (name: string, value = '') => `-X k8s.io/component-base/version.${name}=${value}`;
  return ['-s -w', stamp('gitVersion', version[1]), stamp('gitMajor', version[2]), stamp('gitMinor', version[3])].join(' ');
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
