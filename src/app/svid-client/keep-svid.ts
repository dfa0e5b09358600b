import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import { retryDelayMs } from '../../rotation/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import { strange, type SvidServer } from './ask-api.ts';
import { lookAtBundle } from './look-at-bundle.ts';
import { requestJwt, type FetchedJwt } from './request-jwt.ts';
import { requestSvid, type FetchedSvid } from './request-svid.ts';
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
  /** Of the JWT-SVID beside the certificate; undefined: there is none. */
  readonly jwtAudience: string | undefined;
  readonly signalled: Signalled | undefined;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
}

/** A herd that asks a replica which stands by comes to another one within these. */
const triesMax = 5;

/** Fetches once. Passing trouble is waited out a few times. @returns the SPIFFE ID @throws MtlsdError API_…, CONFIGURATION_INVALID */
export async function fetchOnce(keeping: SvidKeeping, signal: AbortSignal): Promise<string> {
  const folder = await SvidFolder.open(keeping.out, undefined);
  for (let failures = 1; ; failures += 1) {
    try {
      return (await renew(keeping, folder, true)).spiffeId;
    } catch (error) {
      if (!isMtlsdError(error, 'API_UNREACHABLE') || failures === triesMax || signal.aborted) throw error;
      await pause(error.retryAfterMs ?? retryDelayMs(failures, undefined), signal);
    }
  }
}

/** One of the things in a folder that do not stay as they are. Times in milliseconds since the epoch. */
interface Part {
  readonly what: string;
  /** Undefined while it is not there. */
  readonly life: () => { readonly refreshAtMs: number; readonly endMs: number } | undefined;
  readonly renew: () => Promise<unknown>;
  failures: number;
  retryAtMs: number;
}

/**
 * Keeps the folder fresh until `signal` aborts: what is there and fresh is kept, then renewed when the API said, and tried
 * again after failures, sooner the less life is left; roots that change come as soon as the API's hint says. No failure ends it,
 * and trouble with one of the SVIDs leaves the other alone: whoever watches it sees the log.
 */
export async function keepFresh(keeping: SvidKeeping, signal: AbortSignal): Promise<void> {
  const { clock, log } = keeping;
  const folder = await SvidFolder.open(keeping.out, keeping.jwtAudience);
  const { svid } = folder;
  if (svid !== undefined) log.info('an SVID is there', { spiffeId: svid.spiffeId, refreshAt: new Date(svid.refreshAtMs).toISOString() });
  const parts = partsOf(keeping, folder);
  while (!signal.aborted) {
    // A JWT-SVID stands beside an X.509-SVID: the first one of that comes before.
    const [due] = (folder.svid === undefined ? parts.slice(0, 1) : parts).toSorted((a, b) => dueMs(a) - dueMs(b));
    if (due === undefined) return;
    const waitMs = dueMs(due) - clock.nowMs();
    // In short steps: a machine that slept, or whose clock was set, notices within one.
    if (waitMs > 0) await pause(Math.min(waitMs, 30_000), signal);
    else await attempt(due, keeping);
  }
}

function partsOf(keeping: SvidKeeping, folder: SvidFolder): readonly Part[] {
  const { jwtAudience } = keeping;
  const lifeOf = (refreshAtMs: number | undefined, endMs: number | undefined) => (refreshAtMs === undefined || endMs === undefined ? undefined : { refreshAtMs, endMs });
  const certificate: Part = { what: 'SVID', life: () => lifeOf(folder.svid?.refreshAtMs, folder.svid?.notAfterMs), renew: async () => renew(keeping, folder, false), failures: 0, retryAtMs: 0 };
  const bundle = bundlePart(keeping, folder);
  if (jwtAudience === undefined) return [certificate, bundle];
  const token: Part = { what: 'JWT-SVID', life: () => lifeOf(folder.jwt?.refreshAtMs, folder.jwt?.expiresAtMs), renew: async () => renewJwt(keeping, folder, jwtAudience), failures: 0, retryAtMs: 0 };
  return [certificate, bundle, token];
}

/** Roots change while the certificate is fresh. The API gives both together: where they are others, so is the certificate. */
function bundlePart(keeping: SvidKeeping, folder: SvidFolder): Part {
  const { server, clock, log } = keeping;
  let lookAtMs = 0;
  const look = async (): Promise<void> => {
    const { spiffeId } = folder.svid ?? {};
    if (spiffeId === undefined) return;
    const { isOther, againMs } = await lookAtBundle(server, spiffeId, folder.rootsPem);
    if (isOther) {
      log.info('the roots are others', { spiffeId });
      await renew(keeping, folder, false);
    }
    lookAtMs = clock.nowMs() + againMs;
  };
  return { what: 'bundle', life: () => folder.svid && { refreshAtMs: lookAtMs, endMs: folder.svid.notAfterMs }, renew: look, failures: 0, retryAtMs: 0 };
}

function dueMs({ failures, retryAtMs, life }: Part): number {
  return failures > 0 ? retryAtMs : (life()?.refreshAtMs ?? 0);
}

async function attempt(part: Part, { clock, log }: SvidKeeping): Promise<void> {
  try {
    await part.renew();
    part.failures = 0;
  } catch (error) {
    part.failures += 1;
    const endMs = part.life()?.endMs;
    const leftMs = endMs === undefined ? undefined : endMs - clock.nowMs();
    const retryMs = Math.max(retryDelayMs(part.failures, leftMs), isMtlsdError(error) ? (error.retryAfterMs ?? 0) : 0);
    log.warn(`no ${part.what} was fetched`, { why: error instanceof Error ? error.message : 'unknown error', retryMs, ...(leftMs === undefined ? {} : { leftMs }) });
    part.retryAtMs = clock.nowMs() + retryMs;
  }
}

/** A new certificate, and with it a JWT-SVID where that is wanted `whole`. */
async function renew({ server, jwtAudience, signalled, clock, log }: SvidKeeping, folder: SvidFolder, whole: boolean): Promise<FetchedSvid> {
  const svid = await requestSvid(server, () => clock.nowMs());
  const jwt = whole && jwtAudience !== undefined ? await requestJwt(server, jwtAudience, () => clock.nowMs()) : undefined;
  if (jwt !== undefined && jwt.spiffeId !== svid.spiffeId) throw strange(server.api, 'it gives two identities to one caller');
  await folder.write({ svid, jwt });
  log.info('an SVID was fetched', { spiffeId: svid.spiffeId, notAfter: new Date(svid.notAfterMs).toISOString(), refreshAt: new Date(svid.refreshAtMs).toISOString() });
  if (jwt !== undefined) tellFetched(jwt, log);
  if (signalled !== undefined) await tell(signalled, log);
  return svid;
}

/** A new JWT-SVID alone, which readers of its file find by themselves: nobody is signalled. */
async function renewJwt(keeping: SvidKeeping, folder: SvidFolder, audience: string): Promise<void> {
  const { server, clock, log } = keeping;
  const jwt = await requestJwt(server, audience, () => clock.nowMs());
  // The caller was granted another identity meanwhile: never two in one folder.
  if (jwt.spiffeId !== folder.svid?.spiffeId) return void (await renew(keeping, folder, true));
  await folder.write({ jwt });
  tellFetched(jwt, log);
}

function tellFetched({ spiffeId, audience, expiresAtMs, refreshAtMs }: FetchedJwt, log: Log): void {
  log.info('a JWT-SVID was fetched', { spiffeId, audience, expiresAt: new Date(expiresAtMs).toISOString(), refreshAt: new Date(refreshAtMs).toISOString() });
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
