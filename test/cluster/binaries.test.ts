/** What a developer without Go, or without built programs, is told. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { binaryFolder, ensureBinaries, missingBinaries } from './binaries.ts';
import { startCluster } from './cluster.ts';
import { showProgress } from './progress.ts';

let cache: string;
let env: { MTLSD_CACHE_DIR: string; PATH: string };
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'mtlsd-cache-'));
  env = { MTLSD_CACHE_DIR: cache, PATH: '/nonexistent' };
});
afterAll(() => rm(cache, { recursive: true }));

test('a build without Go says what to install, and what else would do', async () => {
  const silent = showProgress('none', () => undefined, Date.now);
  await expect(ensureBinaries(['etcd'], env, silent)).rejects.toThrow(
    /^Go was not found on PATH.*Install Go 1\.26.*npm run cluster -- build.*MTLSD_TEST_KUBECONFIG/,
  );
  expect(await readdir(cache)).toEqual([]);
});

test('a test without the programs says how to build them, and does not start to', async () => {
  await expect(startCluster({ env })).rejects.toThrow(/not built yet: run `npm run cluster -- build etcd kube-apiserver kubectl`/);
});

test('the folder of the programs is in the cache, and missing programs are those that it lacks', async () => {
  expect(await binaryFolder(env)).toMatch(new RegExp(`^${cache}/cluster/[0-9a-f]{16}/bin$`));
  expect(await missingBinaries(['helm', 'kubectl'], env)).toEqual(['helm', 'kubectl']);
});

test('progress in a log is one line now and then; in a terminal one line that is rewritten', () => {
  const shown = (style: 'plain' | 'terminal') => {
    let text = '';
    let nowMs = 0;
    const step = showProgress(style, (more) => (text += more), () => nowMs).begin('etcd');
    step.update(7);
    nowMs = 83_000;
    step.end(true);
    return text;
  };
  expect(shown('plain')).toBe('building etcd: 0 packages compiled, 0 s\nbuilt etcd in 1 min 23 s\n');
  expect(shown('terminal')).toBe('\r\u001B[Kbuilding etcd: 0 packages compiled, 0 s\r\u001B[Kbuilt etcd in 1 min 23 s\n');
});
