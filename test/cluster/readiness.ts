/** Waiting until a server that was just started answers, or telling why it never will. */
import { open } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './process.ts';
import type { ProcessIdentity } from './process.ts';

const pollMs = 50;
const limitMs = 120_000;
const tailBytes = 4096;

/** A server to wait for. */
export interface Awaited {
  readonly name: string;
  readonly process: ProcessIdentity;
  readonly logFile: string;
  /** Asked again and again, never twice at once. */
  readonly isReady: () => Promise<boolean>;
}

/** One GET. */
export interface Call {
  readonly url: string;
  /** PEM; for an https URL. */
  readonly ca?: string;
  readonly token?: string;
}

/** The server ended, or did not answer in time. `log` is the end of what it wrote. */
export class NotReadyError extends Error {
  readonly log: string;
  constructor(message: string, log: string) {
    super(message);
    this.name = 'NotReadyError';
    this.log = log;
  }
}

/**
 * Resolves once the server is ready.
 * @throws {NotReadyError} when the process ends first, or after two minutes
 */
export async function waitUntilReady(server: Awaited): Promise<void> {
  const limit = AbortSignal.timeout(limitMs);
  for (;;) {
    if (await server.isReady()) return;
    if (!(await isAlive(server.process))) throw await notReady(server, 'ended before it was ready');
    if (limit.aborted) throw await notReady(server, `was not ready after ${limitMs / 1000} s`);
    await sleep(pollMs);
  }
}

/** True when the server answers 200 now. */
export async function answersOk(call: Call): Promise<boolean> {
  return (await bodyOf(call)) !== undefined;
}

/** The body of an answer 200; undefined for any other, or none. */
export function bodyOf({ url, ca, token }: Call): Promise<string | undefined> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve) => {
    const call = request(url, { agent: false, timeout: 5_000, headers, ca }, (response) => {
      text(response).then(
        (body) => resolve(response.statusCode === 200 ? body : undefined),
        () => resolve(undefined),
      );
    });
    call.once('timeout', () => call.destroy(new Error('no answer')));
    call.once('error', () => resolve(undefined));
    call.end();
  });
}

async function notReady(server: Awaited, what: string): Promise<NotReadyError> {
  const log = await tail(server.logFile);
  return new NotReadyError(`${server.name} ${what}; the end of ${server.logFile}:\n${log}`, log);
}

async function tail(file: string): Promise<string> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  const start = Math.max(0, size - tailBytes);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.toString('utf8', 0, bytesRead);
}
