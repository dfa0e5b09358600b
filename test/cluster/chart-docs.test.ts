/** docs/operate/install.md, run from top to bottom as a reader would; and its table of values beside the chart's. */
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chartFolder, env, runCommand } from './chart.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const text = await readFile(join(root, 'docs', 'operate', 'install.md'), 'utf8');

describe('the installation guide', () => {
  let cluster: Cluster;
  let folder: string;
  beforeAll(async () => {
    cluster = await startCluster({ env, controllerManager: true });
    // A folder of the reader's own: what the commands write does not land in the checkout.
    folder = await mkdtemp(join(tmpdir(), 'mtlsd-install-'));
    for (const name of ['charts', 'crds']) await symlink(join(root, name), join(folder, name));
  });
  afterAll(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('holds commands that all succeed, in their order', async () => {
    const blocks = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, commands = '']) => commands);
    expect(blocks.length).toBeGreaterThan(8);
    const home = join(folder, 'helm');
    const settings = {
      PATH: `${cluster.binDir}:${process.env['PATH'] ?? ''}`,
      KUBECONFIG: cluster.kubeconfigPath,
      KUBECACHEDIR: join(folder, 'kubectl-cache'),
      ...Object.fromEntries(['CACHE', 'CONFIG', 'DATA'].map((kind) => [`HELM_${kind}_HOME`, join(home, kind.toLowerCase())])),
    };
    for (const commands of blocks) {
      const { code, stderr } = await runCommand('bash', ['-eu', '-o', 'pipefail', '-c', commands], settings, folder);
      if (code !== 0) throw new Error(`${commands}ended with ${code}:\n${stderr}`);
    }
    // The last ones removed everything.
    const { code } = await cluster.kubectl(['get', 'namespace', 'mtlsd-system']);
    expect(code).toBe(1);
  });

  test('names every value of the chart, and no other', async () => {
    const values = parse(await readFile(join(chartFolder, 'values.yaml'), 'utf8')) as Record<string, unknown>;
    const known = ['resources', 'gateway.resources', 'audit.spoolVolume'];
    const leaves = (value: unknown, path: string): string[] => {
      const isBranch = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0 && !known.includes(path);
      return isBranch ? Object.entries(value).flatMap(([key, child]) => leaves(child, path === '' ? key : `${path}.${key}`)) : [path];
    };
    const table = text.split(/^## /m).find((part) => part.startsWith('Values\n')) ?? '';
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const documented = rows.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
    expect(documented.toSorted()).toEqual(leaves(values, '').toSorted());
  });

  test('and its schema knows every value', async () => {
    interface Schema {
      readonly properties?: Readonly<Record<string, Schema>>;
    }
    const values = parse(await readFile(join(chartFolder, 'values.yaml'), 'utf8')) as Record<string, unknown>;
    const schema = JSON.parse(await readFile(join(chartFolder, 'values.schema.json'), 'utf8')) as Schema;
    const names = Object.keys(schema.properties ?? {}).filter((name) => name !== 'global');
    expect(names.toSorted()).toEqual(Object.keys(values).toSorted());
  });
});
