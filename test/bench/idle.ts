import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { ApiClient, inParallel } from './api-client.ts';
import { createIdentities, prepareCluster, ready } from './bench-cluster.ts';
import { ControllerProcess, residentMbOf } from './controller-process.ts';
import type { Measurement } from './measurement.ts';

const identities = 10_000;
const foreignSecrets = 5_000;
const foreignKib = 100;
const restMs = 60_000;
const namespaces = Array.from({ length: 20 }, (_, index) => `idle-${index}`);

/**
 * 10,000 identities at rest, with 5,000 foreign Secrets of 100 KB in the cluster: what the controller costs while nothing
 * happens, and how long it takes to be at work after a start. Renewals of an hour's life begin long after the measurement.
 */
export async function* idle(): AsyncGenerator<Measurement> {
  await using cluster = await startCluster({ audit: true });
  await prepareCluster(cluster, [...namespaces, 'foreign']);
  await using client = await ApiClient.of(cluster);
  const junk = Buffer.alloc(foreignKib * 1024, 'x').toString('base64');
  await inParallel(Array.from({ length: foreignSecrets }, (_, index) => index), 8, async (index) => client.send('POST', '/api/v1/namespaces/foreign/secrets', { metadata: { name: `f${index}` }, data: { junk } }));
  const each = identities / namespaces.length;
  for (const namespace of namespaces) await createIdentities(client, namespace, Array.from({ length: each }, (_, index) => `w${index}`));
  {
    await using controller = await ControllerProcess.start(cluster);
    await controller.whenReconciling();
    for (const namespace of namespaces) await ready(client, namespace, each);
  }

  const importOnlyMb = await importOnlyResidentMb();
  const startedMs = performance.now();
  await using controller = await ControllerProcess.start(cluster);
  await controller.whenReconciling();
  const startMs = performance.now() - startedMs;
  await sleep(20_000); // what a start brings (10,000 looks at what is there already) is over
  const [cpuBefore, linesBefore] = [await controller.cpuMs(), await requests(cluster)];
  await sleep(restMs);
  const cpuMs = (await controller.cpuMs()) - cpuBefore;
  const calls = (await requests(cluster)) - linesBefore;
  const residentMb = await controller.residentMb();

  yield { ...figure('start to first reconcile', startMs / 1000, 's'), budget: { relation: '<=', value: 3 } };
  yield figure('resident memory, a process that only imports', importOnlyMb, 'MB');
  yield figure('resident memory', residentMb, 'MB');
  yield { ...figure('resident memory above import-only', residentMb - importOnlyMb, 'MB'), budget: { relation: '<=', value: 60 } };
  yield { ...figure('CPU at rest, of a core', (cpuMs / restMs) * 100, '%'), budget: { relation: '<=', value: 3 } };
  yield figure('API requests a minute, Lease included', calls / (restMs / 60_000), '/min');
  yield { ...figure('issuances after the restart', await controller.metric('mtlsd_issuances_total'), ''), budget: { relation: '<=', value: 0 } };
}

function figure(metric: string, value: number, unit: string): Measurement {
  return { bench: 'idle', metric, value, unit };
}

/** Requests of the controller so far, from the audit log. */
async function requests(cluster: Cluster): Promise<number> {
  const lines = (await readFile(cluster.auditLogPath ?? '', 'utf8')).split('\n');
  return lines.filter((line) => line.includes('"userAgent":"mtlsd') && line.includes('"stage":"ResponseComplete"')).length;
}

/** What the modules of a controller take without any work, with the settings of Node that `bin/mtlsd` has. */
async function importOnlyResidentMb(): Promise<number> {
  const root = join(import.meta.dirname, '..', '..');
  const settings = (await readFile(join(root, 'bin', 'mtlsd'), 'utf8')).match(/ --[a-z][\S]*/gu) ?? [];
  const modules = ['src/cli/program.ts', 'src/app/cluster.ts'].map((file) => `await import(${JSON.stringify(join(root, file))});`);
  const child = spawn(process.execPath, [...settings.map((setting) => setting.trim()), '--input-type=module', '-e', `${modules.join(' ')} setInterval(() => {}, 1e6);`], { stdio: 'ignore', env: { ...process.env, MALLOC_ARENA_MAX: '1' } });
  try {
    await sleep(3_000);
    return await residentMbOf(child.pid ?? 0);
  } finally {
    child.kill('SIGKILL');
  }
}
