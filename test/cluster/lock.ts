/** A lock between processes: a file that names its holder. A holder that died without letting go does not block anyone. */
import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive } from './process.ts';
import type { ProcessIdentity } from './process.ts';

const pollMs = 200;

/**
 * Runs `work` while nobody else holds the lock.
 * @param onWait called once with the holder's pid when there is somebody to wait for
 */
export async function withLock<T>(file: string, onWait: (pid: number) => void, work: () => Promise<T>): Promise<T> {
  let told = false;
  while (!(await acquire(file))) {
    const holder = await holderOf(file);
    if (holder === undefined || !(await isAlive(holder))) {
      await rm(file, { force: true });
      continue;
    }
    if (!told) onWait(holder.pid);
    told = true;
    await sleep(pollMs);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string): Promise<boolean> {
  const self = await identify(process.pid);
  try {
    await using handle = await open(file, 'wx', 0o600);
    await handle.writeFile(JSON.stringify(self));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A file that is still empty belongs to a process between creating and naming itself: read it again before judging. */
async function holderOf(file: string): Promise<ProcessIdentity | undefined> {
  for (const waitMs of [0, pollMs]) {
    await sleep(waitMs);
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text !== '') return JSON.parse(text) as ProcessIdentity;
  }
  return undefined;
}
