/**
 * Tokens in great numbers: memory that stays where it is over a million of them, and an issuer that is gone while thousands a
 * second come in, each judged at once by the keys that are known.
 */
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { documentFetcher, type DocumentFetcher } from '../../src/app/trust/fetch-document.ts';
import { fetchKeySet, IssuerKeys, verifyToken, type IssuerRules, type TrustedIssuer } from '../../src/tokens/index.ts';
import { signingKey, token } from '../tokens/tokens.ts';

const issuer = 'https://issuer.example';
const keys = [signingKey('ES256', 'ec'), signingKey('RS256', 'rsa')];
const stranger = signingKey('ES256', 'stranger');
const rules: IssuerRules = { issuer, audiences: ['api'], algorithms: ['ES256', 'RS256'], types: ['JWT'], scopes: [], requiredClaims: [], clockToleranceMs: 0, maxLifetimeMs: undefined };
const nowSeconds = Math.floor(Date.now() / 1000);
/** Different tokens, of both kinds of keys in turn, and more than are remembered: each is verified each time. */
const valid = Array.from({ length: 10_000 }, (_, index) => token(keys[index % 2] ?? stranger, { iss: issuer, sub: `service-${index}`, aud: 'api', iat: nowSeconds, exp: nowSeconds + 7_200 }));
const unknown = token(stranger, { iss: issuer, sub: 'x', aud: 'api', iat: nowSeconds, exp: nowSeconds + 7_200 });

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let server: Server;
let fetcher: DocumentFetcher;
let issuers: ReadonlyMap<string, TrustedIssuer>;
let known: IssuerKeys;
let asked: number;
let open: number;
/** Whether the issuer still takes connections and says nothing any more: worse than one that refuses them. */
let isSilent: boolean;
/** How far the clock of who verifies is ahead of the machine's. */
let aheadMs: number;
const nowMs = (): number => Date.now() + aheadMs;

beforeEach(async () => {
  [asked, open, isSilent, aheadMs] = [0, 0, false, 0];
  server = createServer((request, response) => {
    asked += 1;
    open += 1;
    request.socket.once('close', () => (open -= 1));
    if (!isSilent) response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300', connection: 'close' }).end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  fetcher = documentFetcher({ privateAddresses: true, ca: async () => undefined });
  known = new IssuerKeys({
    fetch: (at) => fetchKeySet({ kind: 'url', url: `http://127.0.0.1:${port}/keys` }, fetcher.fetchDocument, at),
    nowMs,
    sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
    random: () => 0.5,
    onState: () => undefined,
  });
  issuers = new Map([[issuer, { rules, keys: known }]]);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await known.whenIdle();
  await fetcher[Symbol.asyncDispose]();
});

/** How many of so many tokens are accepted. */
async function accepted(count: number, from: number): Promise<number> {
  const decisions = await Promise.all(Array.from({ length: count }, (_, index) => verifyToken(valid[(from + index) % valid.length] ?? '', issuers, nowMs())));
  return decisions.filter(({ accepted: isAccepted }) => isAccepted).length;
}

test('memory stays where it is over a million verifications', async () => {
  const heaps: number[] = [];
  const batch = 100;
  for (let done = 0; done < 1_000_000; done += batch) {
    expect(await accepted(batch, done)).toBe(batch);
    if ((done + batch) % 200_000 === 0) {
      collect();
      const { heapUsed, rss } = process.memoryUsage();
      heaps.push(heapUsed);
      console.log(`${done + batch} verified: ${(heapUsed / 2 ** 20).toFixed(1)} MB of live objects, RSS ${(rss / 2 ** 20).toFixed(0)} MB`);
    }
  }
  const [first = 0] = heaps;
  for (const heap of heaps) expect(heap - first).toBeLessThan(2 * 2 ** 20);
});

test('five thousand a second while the issuer is silent: every token with a known key is judged, an unknown one is refused, and few requests go out', async () => {
  expect(await accepted(10, 0)).toBe(10);
  isSilent = true;
  asked = 0;
  aheadMs = 10 * 60_000; // the keys should have been fetched again
  const [rounds, perRound, roundMs] = [500, 100, 20];
  const startedMs = performance.now();
  let whileOpen = 0;
  let slowestMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    const roundStartedMs = performance.now();
    const [valids, refusal] = await Promise.all([accepted(perRound - 1, round * perRound), verifyToken(unknown, issuers, nowMs())]);
    expect(valids).toBe(perRound - 1);
    // While one request is under way to an issuer that answered so far, it might bring the key.
    expect(refusal).toMatchObject({ accepted: false, reason: 'key-unknown' });
    if (open > 0) whileOpen += 1;
    slowestMs = Math.max(slowestMs, performance.now() - roundStartedMs);
    await delay(Math.max(0, startedMs + (round + 1) * roundMs - performance.now()));
  }
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(`${Math.round((rounds * perRound) / seconds)} a second for ${seconds.toFixed(1)} s, ${whileOpen} of ${rounds} rounds while a request was open; the slowest round took ${slowestMs.toFixed(0)} ms; ${asked} requests went out`);
  expect(whileOpen).toBeGreaterThan(rounds / 10);
  // One at a time, each given up after five seconds, with pauses that double.
  expect(asked).toBeLessThanOrEqual(5);
});
