/**
 * Long-lived server processes: started apart from their parent's terminal, and known again later by
 * pid *and* start time, because a pid alone may belong to a stranger by the time we signal it.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const pollMs = 20;
/** Go's collector runs once the heap has grown fivefold: tests have memory enough, and a server spends a sixth less of its time. */
const serverEnvironment = { GOGC: '400' };

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and start tick on Linux, what `ps` says elsewhere: compared, never parsed. */
  readonly started: string;
}

/** Who has this pid now; undefined when nobody does, or only a zombie that its parent has yet to reap. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const started = process.platform === 'linux' ? await linuxStart(pid) : await psStart(pid);
  return started === undefined ? undefined : { pid, started };
}

/** True while exactly that process runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.started === identity.started;
}

/** Resident memory in bytes; undefined when it cannot be told. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  const kibibytes = Number.parseInt(stdout, 10);
  return Number.isNaN(kibibytes) ? undefined : kibibytes * 1024;
}

/**
 * Starts a program in a session of its own, so that a Ctrl-C in the terminal stops it only through us.
 * Its output is appended to `logFile`.
 * @throws {Error} when it cannot be started at all
 */
export async function startServer(program: string, args: readonly string[], logFile: string): Promise<ProcessIdentity> {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], env: { ...serverEnvironment, ...process.env } });
    child.unref();
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const identity = child.pid === undefined ? undefined : await identify(child.pid);
    if (identity === undefined) throw new Error(`${program} ended as soon as it was started; its output is in ${logFile}`);
    return identity;
  } finally {
    closeSync(log);
  }
}

/** Asks a process to stop, and kills it when it has not stopped after `graceMs`. Returns once it is gone. */
export async function stopProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  await signal(identity, 'SIGTERM');
  if (await goneWithin(identity, graceMs)) return;
  await killProcess(identity);
}

/** Kills a process without a chance to clean up. Returns once it is gone. */
export async function killProcess(identity: ProcessIdentity): Promise<void> {
  await signal(identity, 'SIGKILL');
  if (!(await goneWithin(identity, 10_000))) throw new Error(`process ${identity.pid} survived SIGKILL for 10 s`);
}

/** Sends a signal, unless the process is gone or its pid has passed to another one. */
export async function signal(identity: ProcessIdentity, name: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function goneWithin(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  for (let waitedMs = 0; await isAlive(identity); waitedMs += pollMs) {
    if (waitedMs >= limitMs) return false;
    await sleep(pollMs);
  }
  return true;
}

async function linuxStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // proc(5): the command name may hold spaces and brackets; state, threads and start time are fields 3, 20 and 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, tick] = [fields[0], Number(fields[17]), fields[19]];
  // A killed process is a zombie from the end of its first thread on; the others may still hold its port.
  if (tick === undefined || (threads <= 1 && (state === 'Z' || state === 'X'))) return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${boot.trim()}:${tick}`;
}

async function psStart(pid: number): Promise<string | undefined> {
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  const [state, ...started] = stdout.trim().split(/\s+/);
  return !state || state.startsWith('Z') ? undefined : started.join(' ');
}
