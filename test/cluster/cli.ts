/** `npm run cluster -- …`: a real etcd and kube-apiserver for development. */
import { allBinaries, binaryFolder, defaultBinaries, ensureBinaries, isBinary } from './binaries.ts';
import type { Binary } from './binaries.ts';
import { Command, Option } from 'commander';
import type { ClusterOptions } from './flags.ts';
import { bringUp, clusterNames, statusOf, takeDown } from './named-cluster.ts';
import type { ClusterStatus } from './named-cluster.ts';
import { allImages, ensureImages } from './node/images.ts';
import { refuseUnfit } from './node/needs.ts';
import { nodeName } from './node/place.ts';
import { showProgress } from './progress.ts';
import type { BuildProgress } from './progress.ts';

const env = process.env;
const print = (line: string) => void process.stdout.write(`${line}\n`);
const explain = (line: string) => void process.stderr.write(`${line}\n`);

const nameOption = () => new Option('--name <name>', 'which cluster; several can run side by side').default('dev');
const progressOption = () =>
  new Option('--progress <style>', 'how to show a build: terminal rewrites a line, plain is for logs')
    .choices(['auto', 'terminal', 'plain', 'none'])
    .default('auto');

type ProgressChoice = 'auto' | 'terminal' | 'plain' | 'none';

function progressOf(choice: ProgressChoice): BuildProgress {
  const style = choice === 'auto' ? (process.stderr.isTTY ? 'terminal' : 'plain') : choice;
  return showProgress(style, (text) => process.stderr.write(text), Date.now);
}

const program = new Command('cluster').description('a real etcd and kube-apiserver for development and tests, on 127.0.0.1 only');

program
  .command('up')
  .description('start a cluster; does nothing when it runs already')
  .addOption(nameOption())
  .option('--runtime-config <list>', "kube-apiserver's own flag, such as certificates.k8s.io/v1beta1=true")
  .option('--feature-gates <list>', "kube-apiserver's own flag, such as PodCertificateRequest=false")
  .option('--controller-manager', 'run kube-controller-manager too')
  .option('--node', 'run pods too, on this machine: root, Linux, containerd and runc are needed')
  .option('--audit', 'log the metadata of every request')
  .addOption(progressOption())
  .action(async ({ name, progress, ...options }: ClusterOptions & { name: string; progress: ProgressChoice }) => {
    const startMs = Date.now();
    const plane = await bringUp(name, options, env, progressOf(progress));
    explain(`cluster "${name}" is ready at ${plane.server} (${((Date.now() - startMs) / 1000).toFixed(1)} s)`);
    explain(`use it: eval "$(${command('env', name)})"`);
  });

program
  .command('down')
  .description('stop a cluster and remove its data; its logs stay')
  .addOption(nameOption())
  .addOption(progressOption())
  .action(async ({ name, progress }: { name: string; progress: ProgressChoice }) => {
    const was = await takeDown(name, env, progressOf(progress));
    explain(was ? `cluster "${name}" is stopped and its data is gone` : `there is no cluster "${name}"`);
  });

program
  .command('env')
  .description('print KUBECONFIG and PATH for the shell: eval "$(npm run -s cluster -- env)"')
  .addOption(nameOption())
  .action(async ({ name }: { name: string }) => {
    const status = await statusOf(name, env);
    if (status === undefined) throw new Error(`there is no cluster "${name}": run \`${command('up', name)}\``);
    print(`export KUBECONFIG=${quote(status.kubeconfigPath)}`);
    print(`export PATH=${quote(await binaryFolder(env))}:"$PATH"`);
  });

program
  .command('status')
  .description('show the clusters: servers, memory, logs; exit code 1 unless all are ready')
  .option('--name <name>', 'only this one')
  .action(async ({ name }: { name?: string }) => {
    const names = name === undefined ? await clusterNames(env) : [name];
    const all = await Promise.all(names.map((each) => statusOf(each, env)));
    const found = all.filter((status) => status !== undefined);
    if (found.length === 0) print(name === undefined ? 'there is no cluster' : `there is no cluster "${name}"`);
    for (const status of found) showStatus(status);
    if (found.length === 0 || found.some((status) => !status.ready)) process.exitCode = 1;
  });

program
  .command('build')
  .description('build the programs into the cache; only Go is needed')
  .argument('[programs...]', `some of: ${allBinaries.join(' ')}`, [...defaultBinaries])
  .option('--all', 'also what only a cluster with a node needs: programs and images')
  .addOption(progressOption())
  .action(async (programs: string[], { all, progress }: { all?: boolean; progress: ProgressChoice }) => {
    const wanted = all === true ? allBinaries : programs.map(requireBinary);
    if (all === true) refuseUnfit(env);
    print(await ensureBinaries(wanted, env, progressOf(progress)));
    if (all === true) await ensureImages(allImages, env, progressOf(progress));
  });

function requireBinary(name: string): Binary {
  if (isBinary(name)) return name;
  throw new Error(`"${name}" is no program of the test cluster: ${allBinaries.join(', ')}`);
}

function showStatus(status: ClusterStatus): void {
  print(`${status.name}: ${status.ready ? 'ready' : 'NOT READY'}  ${status.server}`);
  for (const { name, pid, memoryBytes, logFile } of status.servers) {
    const memory = memoryBytes === undefined ? '' : ` ${Math.round(memoryBytes / 2 ** 20)} MiB`;
    print(`  ${name.padEnd(23)} ${pid === undefined ? 'not running' : `pid ${pid}${memory}`}  log ${logFile}`);
  }
  if (status.auditLogFile !== undefined) print(`  ${'audit'.padEnd(23)} log ${status.auditLogFile}`);
  if (status.node !== undefined) {
    const { address, subnet, bridge, group } = status.node;
    print(`  ${'node'.padEnd(23)} ${nodeName} at ${address}, pods in ${subnet} on ${bridge}, cgroup /${group}`);
  }
  print(`  ${'kubeconfig'.padEnd(23)} ${status.kubeconfigPath}`);
}

/** What to type for a cluster of this name. */
function command(verb: string, name: string): string {
  return `npm run -s cluster -- ${verb}${name === 'dev' ? '' : ` --name ${name}`}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

try {
  await program.parseAsync();
} catch (error) {
  explain((error as Error).message);
  process.exitCode = 1;
}
