/** The lock that keeps two builds, or two starts of one cluster, apart. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtlsd-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('one at a time, and the holder is named to whoever waits', async () => {
  const file = join(folder, 'lock');
  const waitedFor: number[] = [];
  const bothWait = Promise.withResolvers<void>();
  let inside = 0;
  const work = () =>
    withLock(
      file,
      (pid) => waitedFor.push(pid) === 2 && bothWait.resolve(),
      async () => {
        inside++;
        // Whoever is first holds it until both others have found it taken; a turn more for one who would come in too.
        await bothWait.promise;
        await nextTurn();
        expect(inside--).toBe(1);
      },
    );
  await Promise.all([work(), work(), work()]);
  expect(waitedFor).toEqual([process.pid, process.pid]);
  expect(existsSync(file)).toBe(false);
});

test('is let go when the work fails', async () => {
  const file = join(folder, 'lock');
  const failing = withLock(file, () => undefined, () => Promise.reject(new Error('no luck')));
  await expect(failing).rejects.toThrow('no luck');
  expect(await withLock(file, () => expect.fail('somebody holds it'), async () => 'mine')).toBe('mine');
});

test('a holder that was killed holds nothing', async () => {
  const file = join(folder, 'lock');
  const script = `import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    await withLock(${JSON.stringify(file)}, () => undefined, () => new Promise(() => { console.log('held'); setInterval(() => undefined, 1000); }));`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  holder.kill('SIGKILL');
  await once(holder, 'close');
  expect(existsSync(file)).toBe(true);
  expect(await withLock(file, () => expect.fail('it waits for a dead process'), async () => 'mine')).toBe('mine');
});
