/** Roots are rotated to the very end under callers of the HTTPS API that shake hands all the time: `npm run test:long`. */
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { goJudge } from '../conformance/judges/go.ts';
import { nodePeer } from '../conformance/peers/node.ts';
import { openSslPeer } from '../conformance/peers/openssl.ts';
import { programPeer } from '../conformance/peers/program.ts';
import { CallersLeaves } from '../rotation-live/callers-leaves.ts';
import { FolderRotations } from '../rotation-live/folder-rotations.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';
import { betweenBoth, Shaking } from '../rotation-live/shaking.ts';
import type { Command } from '../standalone/command.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import { until } from '../standalone/wait.ts';
import { claims, signingKey, token } from '../tokens/tokens.ts';

const domain = 'shop.example';
const key = signingKey('ES256', 'one');
/** Whoever asks at the moment of the switch has this long of the old root; what is reserved ends up to twenty minutes later. */
const [callerTtl, lastTtl, drainPatienceMs] = ['90s', '100s', 40 * 60_000] as const;
const spec = { svid: { ttl: lastTtl, maxTTL: '5m' }, dnsNames: { allowedPatterns: ['localhost'] }, rotation: { propagationBound: '3s', consumerReload: '5s' } };

test.concurrent('a root is rotated to the end: the old one is not withdrawn before the last leaf of a caller has ended, and nobody is refused', { timeout: drainPatienceMs }, async () => {
  await underLoad(async (site, leaves) => {
    const [first = ''] = await site.rotations.roots(domain);
    expect(await site.rotate('whole', leaves)).toBe('Complete');
    expect(await site.rotations.roots(domain)).not.toContain(first);
  });
});

test.concurrent('a rotation is given up after its switch: the new root is not withdrawn before the last leaf of a caller has ended, and nobody is refused', { timeout: drainPatienceMs }, async () => {
  await underLoad(async (site, leaves) => {
    const [first = ''] = await site.rotations.roots(domain);
    expect(await site.rotate('late', leaves, 'Reissue/Reissued')).toBe('Aborted');
    expect(await site.rotations.roots(domain)).toEqual([first]);
  });
});

/** Callers and a workload shake hands while `work` rotates their roots, and nobody refuses anybody. */
async function underLoad(work: (site: CallersSite, leaves: CallersLeaves) => Promise<void>): Promise<void> {
  await using site = await CallersSite.open();
  const stacks = [nodePeer, programPeer('Go', [await goJudge(process.env)], process.env)];
  const workload = { folder: site.box.identity('cart').folder, spiffeId: `spiffe://${domain}/ns/shop/sa/cart` };
  const [one, other] = [await site.keepsFresh('1'), await site.keepsFresh('2')];
  const leaves = new CallersLeaves([one.folder, other.folder, workload.folder, site.box.identity('mtlsd-api').folder]);
  const shaking = [new Shaking(betweenBoth(stacks, workload, one), 1_000), new Shaking(betweenBoth([openSslPeer, nodePeer], other, one), 2_000)];
  try {
    await work(site, leaves);
  } finally {
    for (const each of shaking) await each.end();
    await leaves.end();
    console.log(`${shaking.map(({ ok }) => ok).join(' and ')} handshakes, ${shaking.map(({ failed }) => failed.length).join(' and ')} failed; ${leaves.seen} leaves of ${leaves.issuers} roots in ${leaves.looks} looks, ${leaves.cutOff.length} cut off; killed ${site.kills} times`);
  }
  expect(shaking.flatMap(({ failed }) => failed)).toEqual([]);
  expect(leaves.cutOff).toEqual([]);
  expect(leaves.issuers).toBe(2);
  for (const { ok } of shaking) expect(ok).toBeGreaterThan(300);
}

/** An mtlsd with the API, a workload, and callers. */
class CallersSite implements AsyncDisposable {
  readonly box = new Sandbox();
  readonly rotations = new FolderRotations(this.box);
  kills = 0;
  readonly #port: number;
  readonly #callers = new Map<string, string>();
  readonly #tokens: NodeJS.Timeout;
  #daemon: Command;

  private constructor(port: number) {
    this.#port = port;
    writeFileSync(this.#file('keys.json'), JSON.stringify({ keys: [key.jwk] }));
    writeFileSync(this.#file('api.yaml'), configuration(this.#file('keys.json')));
    this.box.write('all.yaml', trustDomain(domain, spec), identity('mtlsd-api', { dnsNames: ['localhost'] }), identity('cart', { ttl: '2m' }));
    this.#daemon = this.#start();
    this.#tokens = setInterval(() => [...this.#callers.keys()].forEach((caller) => this.#writeToken(caller)), 60_000);
  }

  static async open(): Promise<CallersSite> {
    const [port = 0] = await freePorts(1);
    const site = new CallersSite(port);
    await site.box.issued('mtlsd-api');
    await site.box.issued('cart');
    await site.#daemon.says('the API has its certificate');
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#tokens);
    await this.box[Symbol.asyncDispose]();
  }

  /** A caller whose folder `mtlsd svid fetch --watch` keeps. */
  async keepsFresh(caller: string): Promise<{ readonly folder: string; readonly spiffeId: string }> {
    const folder = await this.#fetches(caller, callerTtl);
    this.box.command(...this.#fetch(caller, callerTtl, join(folder, 'ca.crt')), '--watch');
    return { folder, spiffeId: `spiffe://${domain}/ext/ci/${caller}` };
  }

  /** Rotates the root with the daemon killed at every gate, to the end; or given up at a place, and back. */
  async rotate(name: string, leaves: CallersLeaves, abortAt?: string): Promise<string> {
    const [before = ''] = await this.rotations.roots(domain);
    const rotation = await RequestedRotation.of(this.rotations, name, domain);
    let leaving = before;
    const end = await rotation.follow(
      async (place) => {
        console.log(`${new Date().toISOString()} ${name} ${place}`);
        await this.kill();
        if (place === 'Canary/Canary' || place === 'Reissue/Reissued') {
          // Somebody asks right before the switch, or before it is taken back, for as long as may be, and never again.
          await until('a caller is served', async () => this.#fetches(`${name}-${place.slice(0, 6)}`, lastTtl).then((folder) => (leaves.follow(folder), true)));
        }
        if (place === abortAt) {
          leaving = (await this.rotations.roots(domain)).find((root) => root !== before) ?? '';
          await rotation.abort();
        }
        if (place.startsWith('Drain/Drained')) await this.#expectDrain(rotation, leaves, leaving);
        if (place.startsWith('Retire/')) expect(Date.now()).toBeGreaterThan(leaves.lastEndMs(leaving));
      },
      undefined,
      drainPatienceMs,
    );
    const [now = ''] = await this.rotations.roots(domain);
    await leaves.settle(now);
    expect(await this.#whereIs(leaves.roots.get(leaving))).toEqual([]);
    expect(await this.#whereIs(leaves.roots.get(now))).toContain('the API');
    return end;
  }

  /** The gate waits for a time that no leaf of the old root outlives, and nothing goes on before. */
  async #expectDrain(rotation: RequestedRotation, leaves: CallersLeaves, leaving: string): Promise<void> {
    const { until: end = '' } = (await rotation.status())?.gates?.find(({ name }) => name === 'Drained') ?? {};
    const lastMs = leaves.lastEndMs(leaving);
    console.log(`it waits until ${end}; the last leaf of ${leaving} ends at ${new Date(lastMs).toISOString()}`);
    expect(lastMs).toBeGreaterThan(0);
    expect(Date.parse(end)).toBeGreaterThanOrEqual(lastMs);
    await sleep(Date.parse(end) - 20_000 - Date.now());
    expect(Date.now()).toBeGreaterThan(leaves.lastEndMs(leaving));
    expect((await rotation.status())?.phase).toBe('Drain');
    expect(await this.rotations.roots(domain)).toHaveLength(2);
  }

  /** Files that hold a certificate, among all that mtlsd wrote and all that callers keep fresh, and whether the API serves it. */
  async #whereIs(certificate: Uint8Array | undefined): Promise<readonly string[]> {
    if (certificate === undefined) throw new Error('nobody ever had that root');
    // Its serial number is among these bytes; they are one line of PEM, and the beginning of an entry in a SPIFFE bundle.
    const text = Buffer.from(certificate).toString('base64').slice(0, 64);
    const folders = [this.box.out, this.box.state, ...['1', '2'].map((caller) => this.#file(`svid-${caller}`))];
    const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))).filter(isInUse);
    const ca = readFileSync(this.box.identity('mtlsd-api').file('ca.crt'));
    const dispatcher = new Agent({ connect: { ca } });
    const served = await request(`https://localhost:${this.#port}/v1/trust-domains/${domain}/bundle`, { dispatcher }).then(async ({ body }) => body.text());
    await dispatcher.close();
    const holding = files.filter((file) => holds(readFileSync(file, 'latin1'), text));
    return [...holding, ...(served.includes(text) ? ['the API'] : [])];
  }

  async kill(): Promise<void> {
    await this.#daemon.stop('SIGKILL');
    this.kills += 1;
    this.#daemon = this.#start();
  }

  #start(): Command {
    return this.box.start('--api-listen', `127.0.0.1:${this.#port}`, '--api-identity', 'shop/mtlsd-api', '--api-config', this.#file('api.yaml'));
  }

  async #fetches(caller: string, ttl: string): Promise<string> {
    this.#callers.set(caller, caller);
    this.#writeToken(caller);
    const outcome = await this.box.command(...this.#fetch(caller, ttl, this.box.identity('mtlsd-api').file('ca.crt'))).outcome();
    if (outcome.status !== 0) throw new Error(outcome.stderr);
    return this.#file(`svid-${caller}`);
  }

  #fetch(caller: string, ttl: string, caFile: string): readonly string[] {
    return ['svid', 'fetch', '--api', `https://localhost:${this.#port}`, '--ca-file', caFile, '--token-file', this.#file(`token-${caller}`), '--out', this.#file(`svid-${caller}`), '--ttl', ttl];
  }

  #writeToken(caller: string): void {
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(this.#file(`token-${caller}`), token(key, { iss: claims.iss, sub: 'pipeline', aud: 'mtlsd', iat: now, exp: now + 300, project: caller }));
  }

  #file(name: string): string {
    return join(this.box.root, name);
  }
}

/** Behind a generation the one before stays for a while, for whoever is reading it. */
function isInUse(file: string): boolean {
  const folder = dirname(file);
  return !basename(folder).startsWith('..') || realpathSync(join(dirname(folder), '..data')) === realpathSync(folder);
}

/** In records, what is in them is in base64 once more. */
function holds(content: string, text: string): boolean {
  return content.includes(text) || (content.match(/[A-Za-z0-9+/]{100,}/gu) ?? []).some((part) => Buffer.from(part, 'base64').includes(text));
}

function configuration(keys: string): string {
  return `apiVersion: mtlsd.io/v1alpha1
kind: ApiConfiguration
issuers:
  - { issuer: ${claims.iss}, keySetFile: ${keys} }
rules:
  - { name: ci, issuer: ${claims.iss}, audiences: [mtlsd] }
callers:
  - { name: ci, rules: ci, trustDomain: ${domain}, path: [project] }
`;
}
