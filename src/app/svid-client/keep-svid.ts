import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import { retryDelayMs } from '../../rotation/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import { requestSvid, type FetchedSvid, type SvidServer } from './request-svid.ts';
import { SvidFolder } from './svid-folder.ts';

/** Who is told once files have changed. */
export interface Signalled {
  readonly signal: NodeJS.Signals;
  /** Holds the number of the process. */
  readonly pidFile: string;
}

/** What keeps a folder fresh. */
export interface SvidKeeping {
  readonly server: SvidServer;
  readonly out: string;
  readonly signalled: Signalled | undefined;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
}

/** A herd that asks a replica which stands by comes to another one within these. */
const triesMax = 5;

/** Fetches once. Passing trouble is waited out a few times. @returns the SPIFFE ID @throws MtlsdError API_…, CONFIGURATION_INVALID */
export async function fetchOnce(keeping: SvidKeeping, signal: AbortSignal): Promise<string> {
  const folder = await SvidFolder.open(keeping.out);
  for (let failures = 1; ; failures += 1) {
    try {
      return (await renew(keeping, folder)).spiffeId;
    } catch (error) {
      if (!isMtlsdError(error, 'API_UNREACHABLE') || failures === triesMax || signal.aborted) throw error;
      await pause(error.retryAfterMs ?? retryDelayMs(failures, undefined), signal);
    }
  }
}

/**
 * Keeps the folder fresh until `signal` aborts: what is there and fresh is kept, then renewed when the API said, and tried
 * again after failures, sooner the less life is left. No failure ends it: whoever watches it sees the log.
 */
export async function keepFresh(keeping: SvidKeeping, signal: AbortSignal): Promise<void> {
  const { clock, log } = keeping;
  const folder = await SvidFolder.open(keeping.out);
  let kept = await folder.kept();
  if (kept !== undefined) log.info('an SVID is there', { spiffeId: kept.spiffeId, refreshAt: new Date(kept.refreshAtMs).toISOString() });
  for (let failures = 0; !signal.aborted; ) {
    const waitMs = kept === undefined ? 0 : kept.refreshAtMs - clock.nowMs();
    // In short steps: a machine that slept, or whose clock was set, notices within one.
    if (failures === 0 && waitMs > 0) await pause(Math.min(waitMs, 30_000), signal);
    else {
      try {
        kept = await renew(keeping, folder);
        failures = 0;
      } catch (error) {
        failures += 1;
        const leftMs = kept === undefined ? undefined : kept.notAfterMs - clock.nowMs();
        const retryMs = Math.max(retryDelayMs(failures, leftMs), isMtlsdError(error) ? (error.retryAfterMs ?? 0) : 0);
        log.warn('no SVID was fetched', { why: error instanceof Error ? error.message : 'unknown error', retryMs, ...(leftMs === undefined ? {} : { leftMs }) });
        await pause(retryMs, signal);
      }
    }
  }
}

async function renew({ server, signalled, clock, log }: SvidKeeping, folder: SvidFolder): Promise<FetchedSvid> {
  const svid = await requestSvid(server, () => clock.nowMs());
  await folder.write(svid);
  log.info('an SVID was fetched', { spiffeId: svid.spiffeId, notAfter: new Date(svid.notAfterMs).toISOString(), refreshAt: new Date(svid.refreshAtMs).toISOString() });
  if (signalled !== undefined) await tell(signalled, log);
  return svid;
}

/** The files are what counts: a process that is not there yet reads them when it starts. */
async function tell({ signal, pidFile }: Signalled, log: Log): Promise<void> {
  try {
    const text = (await readFile(pidFile, 'utf8')).trim();
    const pid = /^\d{1,10}$/u.test(text) ? Number(text) : 0;
    // 0 and 1 are whole groups of processes, and the one that all others hang on.
    if (pid < 2) throw new MtlsdError('CONFIGURATION_INVALID', `${pidFile} holds no number of a process.`, { details: { option: '--pid-file' } });
    process.kill(pid, signal);
    log.info('the process was signalled', { pid, signal });
  } catch (error) {
    log.warn('the process was not signalled', { pidFile, signal, why: error instanceof MtlsdError ? error.message : ((error as NodeJS.ErrnoException).code ?? 'unknown error') });
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
