/** The Helm chart in tests: rendered without a cluster, or installed on one with a Helm home of its own. */
import { spawn } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { binaryFolder, missingBinaries } from './binaries.ts';
import type { Cluster } from './cluster.ts';

/** Where the chart's documentation installs it. */
export const systemNamespace = 'mtlsd-system';
/** The name by which the API server knows mtlsd there. */
export const mtlsdUser = `system:serviceaccount:${systemNamespace}:mtlsd`;
export const chartFolder = join(import.meta.dirname, '..', '..', 'charts', 'mtlsd');

/**
 * These tests install policies for the whole cluster, read the audit log and remove everything again: always on a cluster of
 * their own, even when MTLSD_TEST_KUBECONFIG names one for the others.
 */
export const env: NodeJS.ProcessEnv = { ...process.env, MTLSD_TEST_KUBECONFIG: undefined };

/** How a command ended; a failure is a result, not an exception. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** An object of any kind, as rendered. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

/** Runs a program to its end. Its environment is this process's, with `settings` over it. */
export async function runCommand(program: string, args: readonly string[], settings: NodeJS.ProcessEnv = {}, cwd?: string): Promise<CommandResult> {
  const child = spawn(program, args, { env: { ...process.env, ...settings }, stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 128));
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, code };
}

/** Runs helm; with a cluster, against it. @throws {Error} when helm is not built, with the command that builds it */
export async function helm(args: readonly string[], cluster?: Pick<Cluster, 'kubeconfigPath'>): Promise<CommandResult> {
  const home = await mkdtemp(join(tmpdir(), 'mtlsd-helm-'));
  const folders = {
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
    KUBECONFIG: cluster?.kubeconfigPath ?? join(home, 'none'),
  };
  try {
    return withoutSymlinkNotes(await runCommand(await helmProgram(), args, folders));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Whether this file is there; the folder of programs is known even when nothing was built. */
async function helmProgram(): Promise<string> {
  if ((await missingBinaries(['helm'], process.env)).length > 0) throw new Error('helm is not built yet: run `npm run cluster -- build helm` once');
  const program = join(await binaryFolder(process.env), 'helm');
  await access(program);
  return program;
}

/** files/crds is a link to the one source, and helm says so at each reading of the folder. */
function withoutSymlinkNotes(result: CommandResult): CommandResult {
  const lines = result.stderr.split('\n').filter((line) => !line.includes('found symbolic link in path'));
  return { ...result, stderr: lines.join('\n') };
}

/** What the chart would install, object by object. `args` are helm's, such as `--set`. */
export async function renderChart(args: readonly string[] = []): Promise<Manifest[]> {
  const { stdout, stderr, code } = await helm(['template', 'mtlsd', chartFolder, '--namespace', systemNamespace, ...args]);
  if (code !== 0) throw new Error(`helm template: ${stderr}`);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** Installs the chart as its documentation does. @throws {Error} with helm's own words */
export async function installChart(cluster: Cluster, args: readonly string[] = []): Promise<string> {
  const { stdout, stderr, code } = await helm(['install', 'mtlsd', chartFolder, '--namespace', systemNamespace, '--create-namespace', ...args], cluster);
  if (code !== 0) throw new Error(`helm install: ${stderr}`);
  return stdout;
}
