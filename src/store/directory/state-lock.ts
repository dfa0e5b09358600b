import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MtlsdError } from '../../errors/index.ts';
import { replaceFile } from './atomic-file.ts';
import { errnoOf, type Disk } from './disk.ts';

/** The database whose lock is the state folder's lock, and the file that says who holds it. */
const lockFile = 'lock.db';
const holderFile = 'lock.pid';

/** Names in the state folder that belong to the lock. */
export const lockFiles: readonly string[] = [lockFile, `${lockFile}-journal`, `${lockFile}-wal`, `${lockFile}-shm`, holderFile];

/** The lock of a state folder, held until it is released or the process ends, however it ends. */
export interface StateLock {
  release(): void;
}

/**
 * Takes the lock. An open exclusive transaction holds it: the operating system frees it with the process, so that a killed
 * one leaves nothing to clean up, and no pid is ever compared with processes that took its number over.
 * @throws STORE_LOCKED naming the pid of the holder, as far as that is known
 */
export async function lockState(disk: Disk, state: string, pid: number, tag: string): Promise<StateLock> {
  // The database would make its file readable for all.
  closeSync(openSync(join(state, lockFile), 'a', 0o600));
  const database = new DatabaseSync(join(state, lockFile), { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error) || !/locked|busy/iu.test(error.message)) throw error;
    const holder = readHolder(join(state, holderFile));
    const who = holder === undefined ? 'another process' : `process ${holder}`;
    throw new MtlsdError('STORE_LOCKED', `The state folder ${state} is in use by ${who}. Stop it, or choose another state folder with --state.`, { details: { path: state }, cause: error });
  }
  try {
    await replaceFile(disk, join(state, holderFile), Buffer.from(`${pid}\n`, 'utf8'), { mode: 0o600 }, tag);
  } catch (error) {
    database.close();
    throw error;
  }
  return { release: () => database.close() };
}

function readHolder(path: string): string | undefined {
  try {
    return /^\d+/u.exec(readFileSync(path, 'utf8'))?.[0];
  } catch (error) {
    if (errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}
