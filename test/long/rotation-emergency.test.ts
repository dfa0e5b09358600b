/**
 * An emergency under load: a thief signs with the stolen key of an issuing authority, and shakes hands all the time. Who was named as
 * breaking breaks and nobody else, and from the named time on the thief is refused by every stack. `npm run test:long`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { CARotation } from '../../src/resources/index.ts';
import { goJudge } from '../conformance/judges/go.ts';
import { nodePeer } from '../conformance/peers/node.ts';
import { openSslPeer } from '../conformance/peers/openssl.ts';
import type { Peer } from '../conformance/peers/peer.ts';
import { programPeer } from '../conformance/peers/program.ts';
import { betweenBoth, Shaking } from '../rotation-live/shaking.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import { until } from '../standalone/wait.ts';

const domain = 'shop.example';
const idOf = (name: string): string => `spiffe://${domain}/ns/shop/sa/${name}`;
/** Besides the two that shake hands: what there is to issue again. */
const others = Array.from({ length: 60 }, (_, index) => `other-${index}`);
const distrustAfterSeconds = 60;

test('whom the list names breaks and nobody else, and no stack takes a certificate of the stolen key once the named time has come to all', { timeout: 900_000 }, async () => {
  await using box = new Sandbox();
  // A machine with much else to do is late by seconds.
  box.write('all.yaml', trustDomain(domain, { rotation: { propagationBound: '5s', consumerReload: '5s' } }), ...['cart', 'pay', ...others].map((name) => identity(name)));
  box.start();
  const [cart, pay] = [await box.issued('cart'), await box.issued('pay')];
  for (const name of others) await box.issued(name);
  const stacks = [nodePeer, programPeer('Go', [await goJudge(process.env)], process.env), openSslPeer];
  const rotate = async (...args: readonly string[]) => box.command('rotate', 'root', '--emergency', ...args, '--out', box.out).outcome();

  // Too little time for everybody: everybody is named, and nobody else.
  const short = JSON.parse((await rotate('--dry-run', '--distrust-after', '2s', '--output', 'json')).stdout) as { readonly breaks: readonly { readonly object: string }[] };
  expect(short.breaks.map(({ object }) => object).sort()).toEqual(['cart', 'pay', ...others].map((name) => `WorkloadIdentity shop/${name}`).sort());
  const enough = await rotate('--dry-run', '--distrust-after', `${distrustAfterSeconds}s`);
  expect(enough.stdout).toContain('Who breaks: nobody that is known.');
  const unsettledMs = 1000 * Number(/In the first (\d+)s after the switch/u.exec(enough.stdout)?.[1]);
  const byEverybody = /by everybody +(.+)$/mu.exec(enough.stdout)?.[1];
  expect(unsettledMs).toBeGreaterThanOrEqual(10_000);

  await using thief = await Thief.with(box, stacks, cart.folder);
  const pairs = betweenBoth(stacks, { folder: cart.folder, spiffeId: idOf('cart') }, { folder: pay.folder, spiffeId: idOf('pay') });
  const before = new Shaking(pairs, 200);
  await until('the thief is taken by everybody', () => thief.successes().every((count) => count > 3));
  await before.end();
  const emergency = rotate('--confirm', domain, '--distrust-after', `${distrustAfterSeconds}s`, '--wait', '--name', 'stolen');
  const status = (): CARotation['status'] => (parse(readFileSync(join(box.out, 'status/CARotation/stolen.yaml'), 'utf8')) as CARotation).status;
  const switchedMs = Date.parse(await until('it has switched', () => status()?.switchedAt));
  const distrustMs = Date.parse(status()?.distrustAt ?? '');
  expect(distrustMs - switchedMs).toBe(distrustAfterSeconds * 1000);
  // In the time that the list names, who is quick and who is late may refuse each other.
  await sleep(switchedMs + unsettledMs - Date.now());
  const after = new Shaking(pairs, 200);
  expect(await emergency).toMatchObject({ status: 0 });
  const completeMs = Date.now();
  const taken = thief.successes();
  await until('the thief has tried often enough', () => thief.tries().every((count, index) => count > (thief.triesAt(completeMs)[index] ?? 0) + 20), 300_000);
  await after.end();
  await thief.end();

  const lastMs = thief.lastSuccesses();
  console.log(`printed: distrust ${distrustAfterSeconds} s after the switch, by everybody ${byEverybody}; by status distrusted after ${(distrustMs - switchedMs) / 1000} s, gone from all bundles after ${(Date.parse(status()?.retiredAt ?? '') - switchedMs) / 1000} s, complete after ${(completeMs - switchedMs) / 1000} s`);
  console.log(`the thief was taken for the last time, in seconds after the switch: ${thief.names().map((name, index) => `${name} ${(((lastMs[index] ?? 0) - switchedMs) / 1000).toFixed(1)}`).join(', ')}; refused ${thief.refused} times`);
  console.log(`${before.ok} handshakes before, ${after.ok} from ${unsettledMs / 1000} s after the switch on`);
  expect([before.failed, after.failed]).toEqual([[], []]);
  for (const last of lastMs) {
    // Both roots are trusted until the named time: who is quick is not broken by it.
    expect(last).toBeGreaterThan(switchedMs);
    expect(last).toBeLessThan(completeMs);
  }
  // Not one of them once it is complete.
  expect(thief.successes()).toEqual(taken);
  expect(after.ok).toBeGreaterThan(100);
});

/** Who holds the key of an issuing authority, and signs an identity of its own by it; it trusts whatever is published. */
class Thief implements AsyncDisposable {
  refused = 0;
  readonly #folder: string;
  readonly #tries: { readonly name: string; readonly taken: number[]; readonly times: number[] }[] = [];
  readonly #ended = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param victim the folder of cart, whom it calls as pay, and to whom it plays pay */
  static async with(box: Sandbox, stacks: readonly Peer[], victim: string): Promise<Thief> {
    const thief = new Thief(join(box.root, 'thief'));
    mkdirSync(thief.#folder);
    const leaf = sign(box, victim);
    let generation = 0;
    const refresh = (): void => {
      const name = `..${(generation += 1)}`;
      mkdirSync(join(thief.#folder, name));
      const ca = readFileSync(join(victim, 'ca.crt'), 'utf8');
      const files = { 'tls.crt': leaf.chain, 'tls.key': leaf.key, 'credential-bundle.pem': leaf.key + leaf.chain, 'ca.crt': ca };
      for (const [file, text] of Object.entries(files)) writeFileSync(join(thief.#folder, name, file), text);
      symlinkSync(name, join(thief.#folder, 'next'));
      renameSync(join(thief.#folder, 'next'), join(thief.#folder, '..data'));
    };
    refresh();
    const { signal } = thief.#ended;
    const refreshing = (async () => {
      let known = readFileSync(join(victim, 'ca.crt'), 'utf8');
      while (!signal.aborted) {
        await sleep(200, undefined, { signal }).catch(() => undefined);
        const now = readFileSync(join(victim, 'ca.crt'), 'utf8');
        if (now !== known) refresh();
        known = now;
      }
    })();
    const loops = stacks.flatMap((stack) => [
      // It calls a workload on each stack, and a workload on each stack calls it.
      thief.#try(`${stack.name} as a server`, [stack, victim, idOf('pay')], [stack, thief.#folder, idOf('cart')], 'server'),
      thief.#try(`${stack.name} as a client`, [stack, thief.#folder, idOf('cart')], [stack, victim, idOf('pay')], 'client'),
    ]);
    thief.#running = Promise.all([refreshing, ...loops]);
    return Promise.resolve(thief);
  }

  names(): readonly string[] {
    return this.#tries.map(({ name }) => name);
  }

  successes(): readonly number[] {
    return this.#tries.map(({ taken }) => taken.length);
  }

  tries(): readonly number[] {
    return this.#tries.map(({ times }) => times.length);
  }

  triesAt(timeMs: number): readonly number[] {
    return this.#tries.map(({ times }) => times.filter((time) => time <= timeMs).length);
  }

  lastSuccesses(): readonly number[] {
    return this.#tries.map(({ taken }) => taken.at(-1) ?? 0);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  /** What the honest end says counts: a thief takes anybody. */
  async #try(name: string, [serverStack, serverFolder, clientId]: readonly [Peer, string, string], [clientStack, clientFolder, serverId]: readonly [Peer, string, string], honest: 'server' | 'client'): Promise<void> {
    const { signal } = this.#ended;
    const counted = { name, taken: [] as number[], times: [] as number[] };
    this.#tries.push(counted);
    await using serving = await serverStack.serve(serverFolder, clientId);
    await using dialing = await clientStack.dial(clientFolder);
    while (!signal.aborted) {
      const atMs = Date.now();
      const dialed = await dialing.dial(serving.port, serverId, '1.3');
      const served = await serving.next();
      counted.times.push(atMs);
      if ((honest === 'server' ? served : dialed).ok) counted.taken.push(atMs);
      else this.refused += 1;
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** A certificate of pay, signed by OpenSSL with the key that is in the authority record. */
function sign(box: Sandbox, folder: string): { readonly chain: string; readonly key: string } {
  const { data } = JSON.parse(readFileSync(box.record(domain), 'utf8')) as { readonly data: Readonly<Record<string, string>> };
  const text = (name: string): string => Buffer.from(data[name] ?? '', 'base64').toString('utf8');
  const { authorities } = JSON.parse(text('record.json')) as { readonly authorities: readonly { readonly keyIdentifier: string; readonly role: string; readonly state: string }[] };
  const stolen = authorities.find(({ role, state }) => role === 'Issuing' && state === 'Active')?.keyIdentifier ?? '';
  const [, issuing = ''] = readFileSync(join(folder, 'tls.crt'), 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/gu) ?? [];
  const file = (name: string): string => join(box.root, `stolen-${name}`);
  const extensions = ['subjectAltName=critical,URI:' + idOf('pay'), 'keyUsage=critical,digitalSignature', 'extendedKeyUsage=serverAuth,clientAuth', 'basicConstraints=critical,CA:FALSE', 'authorityKeyIdentifier=keyid', ''];
  for (const [name, content] of Object.entries({ 'issuing.key': text(`${stolen}.key`), 'issuing.crt': issuing, extensions: extensions.join('\n') })) writeFileSync(file(name), content, { mode: 0o600 });
  const openssl = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  };
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/', '-keyout', file('tls.key'), '-out', file('csr'));
  openssl('x509', '-req', '-in', file('csr'), '-CA', file('issuing.crt'), '-CAkey', file('issuing.key'), '-days', '1', '-extfile', file('extensions'), '-out', file('tls.crt'));
  return { chain: readFileSync(file('tls.crt'), 'utf8') + issuing, key: readFileSync(file('tls.key'), 'utf8') };
}
