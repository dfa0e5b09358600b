/** Asks an HTTPS server in a process of its own, so that only the server's CPU time is measured: one JSON document in, one out. */
import { text } from 'node:stream/consumers';
import { Pool } from 'undici';
import { podKey, stubRequest } from '../cluster/pod-requests.ts';

/** What is asked, once for each body: by GET where there are none in them. */
export interface Load {
  /** What the client presents, PEM; left out: nothing. */
  readonly pair?: { readonly key: string; readonly cert: string };
  readonly method?: 'GET';
  /** Kept up, each with one request after the other. */
  readonly connections: number;
  readonly port: number;
  readonly path: string;
  readonly ca: string;
  /** One for all, or one for each body. */
  readonly token: string | readonly string[];
  /** Or so many certificate signing requests, each for a key of its own: made here, as the server shall not have to clear up after them. */
  readonly bodies: readonly object[] | { readonly requests: number };
}

const { port, path, ca, token, bodies, pair = {}, method = 'POST', connections } = JSON.parse(await text(process.stdin)) as Load;
const pool = new Pool(`https://localhost:${port}`, { connections, connect: { ca, ...pair } });
const tookMs: number[] = [];
const all = 'requests' in bodies ? Array.from({ length: bodies.requests }, () => ({ csr: stubRequest(podKey('ECDSAP256'), 'ECDSAP256') })) : bodies;
const waiting = all.map((body, index) => ({ body, bearer: typeof token === 'string' ? token : (token[index] ?? '') }));
const ask = async (): Promise<void> => {
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { body, bearer } = next;
    const startedMs = performance.now();
    const answer = await pool.request({ method, path, headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }, ...(method === 'GET' ? {} : { body: JSON.stringify(body) }) });
    const said = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${said}`);
    tookMs.push(performance.now() - startedMs);
  }
};
const startedMs = performance.now();
await Promise.all(Array.from({ length: connections }, ask));
const wholeMs = performance.now() - startedMs;
await pool.close();
tookMs.sort((a, b) => a - b);
process.stdout.write(JSON.stringify({ perSecond: (all.length / wholeMs) * 1000, p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] }));
