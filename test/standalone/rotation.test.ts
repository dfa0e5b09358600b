/** Whole rotations, as a person makes them: `mtlsd run` on a folder, and `mtlsd rotate` beside it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { CARotation } from '../../src/resources/index.ts';
import type { Command, Outcome } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

/** A consumer sees a change within a second, and loads it within another. */
const rotation = { propagationBound: '1s', consumerReload: '1s' };

class Site extends Sandbox {
  #running: Command | undefined;

  async begin(spec: object = {}): Promise<void> {
    this.write('domain.yaml', trustDomain('shop.example', { rotation, ...spec }));
    this.write('identities.yaml', identity('cart'), identity('pay'));
    this.#running = this.start();
    await Promise.all([this.issued('cart'), this.issued('pay')]);
    await until('the trust domain says so', () => this.roots().length === 1);
  }

  async rotate(...args: readonly string[]): Promise<Outcome> {
    return this.command('rotate', ...args, '--out', this.out).outcome();
  }

  async crash(): Promise<void> {
    await this.#running?.stop('SIGKILL');
    this.#running = this.start();
  }

  object(name: string): CARotation {
    return parse(readFileSync(join(this.out, 'status/CARotation', `${name}.yaml`), 'utf8')) as CARotation;
  }

  /** Key identifiers of the roots that status names, with their state. */
  roots(): readonly string[] {
    const { status } = parse(readFileSync(join(this.out, 'status/TrustDomain/shop.example.yaml'), 'utf8')) as { status?: { authorities?: readonly { role: string; state: string; keyIdentifier: string }[] } };
    return (status?.authorities ?? []).filter(({ role }) => role === 'Root').map(({ state, keyIdentifier }) => `${state} ${keyIdentifier}`);
  }

  /** What `openssl verify` makes of an identity by the bundle of another. */
  verifies(name: string, bundleOf: string): boolean {
    const file = (of: string, what: string): string => join(this.out, 'identities/shop', of, what);
    return spawnSync('openssl', ['verify', '-CAfile', file(bundleOf, 'ca.crt'), '-untrusted', file(name, 'tls.crt'), file(name, 'tls.crt')]).status === 0;
  }

  /** Whether `pay`, as it is delivered now, and a client with the files of that folder take each other; a careless one takes anybody. */
  async shakesHands(folder: string, isCareless = false): Promise<boolean> {
    const pair = (of: string) => ({ cert: readFileSync(join(of, 'tls.crt')), key: readFileSync(join(of, 'tls.key')), ca: readFileSync(join(of, 'ca.crt')) });
    const server = createServer({ ...pair(join(this.out, 'identities/shop/pay')), requestCert: true, rejectUnauthorized: true }, (socket) => socket.end('taken'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ ...pair(folder), port, host: '127.0.0.1', rejectUnauthorized: !isCareless, checkServerIdentity: () => undefined });
    try {
      return (await client.setEncoding('utf8').toArray()).join('') === 'taken';
    } catch {
      return false;
    } finally {
      client.destroy();
      server.close();
    }
  }

  caOf(name: string): string {
    return readFileSync(join(this.out, 'identities/shop', name, 'ca.crt'), 'utf8');
  }
}

test('a root is rotated while somebody waits, and the receipt proves it', async () => {
  await using site = new Site();
  await site.begin();
  const [before = ''] = site.roots();
  const old = before.replace('Active ', '');
  const caBefore = site.caOf('cart');

  const dry = await site.rotate('root', '--dry-run');
  expect(dry).toMatchObject({ status: 0, stderr: '' });
  expect(dry.stdout).toContain('certificates issued again  2');
  expect(site.roots()).toEqual([before]);

  const { status, stdout, stderr } = await site.rotate('root', '--wait', '--name', 'spring');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  // On a busy machine a look may come when a short phase is over: those that were seen came in their order.
  const seen = [...new Set([...stdout.matchAll(/^\S+Z {2}(\w+)/gmu)].map(([, phase]) => phase))];
  expect(seen).toEqual(['asked', 'Preflight', 'Prepare', 'Distribute', 'Confirm', 'Canary', 'Switch', 'Reissue', 'Drain', 'Retire', 'Complete'].filter((phase) => seen.includes(phase)));
  expect(stdout).toContain('CARotation spring: Complete');
  expect(stdout).toContain('2 certificates were issued again');

  const [after = '', ...more] = site.roots();
  expect(more).toEqual([]);
  expect(after).not.toBe(before);
  expect(site.caOf('cart')).not.toBe(caBefore);
  for (const [name, bundleOf] of [['cart', 'pay'], ['pay', 'cart']] as const) expect(site.verifies(name, bundleOf)).toBe(true);
  // Its key is gone from the only place where it was.
  expect(readFileSync(site.record(), 'utf8')).not.toContain(old);

  const folder = join(site.out, 'receipts/shop.example');
  const receipt = await site.rotate('receipt', 'spring', '--output', 'json');
  expect(receipt.stdout).toBe(readFileSync(join(folder, 'spring.json'), 'utf8'));
  const verified = await site.command('receipt', 'verify', join(folder, 'spring.json'), '--key', join(folder, 'audit-keys.pem')).outcome();
  expect(verified.status).toBe(0);
  expect(verified.stdout).toMatch(/✓ It is as it was signed, by key [0-9a-f]{64}\n/u);
  expect(verified.stdout).toMatch(new RegExp(`from +root +gone +${old} +certificate [0-9a-f]{16}…`, 'u'));
  expect(verified.stdout).toMatch(/bundles +1 → 2 → 3/u);
  writeFileSync(join(site.root, 'forged.json'), receipt.stdout.replace('"outcome":"Completed"', '"outcome":"Aborted"'));
  const forged = await site.command('receipt', 'verify', join(site.root, 'forged.json')).outcome();
  expect(forged.status).toBe(1);
  expect(forged.stdout).toContain('its part "rotation" is not what was signed');
  // The key that signed it is nobody's to read, and no authority's.
  const auditKey = join(site.state, 'secrets/mtlsd-system/mtlsd-audit-key.json');
  expect(statSync(auditKey).mode & 0o777).toBe(0o600);

  const status2 = await site.command('status', '--out', site.out).outcome();
  expect(status2.stdout).toMatch(/bundle 3 in 2 of 2 places, 0 violations[^]*spring +root +Complete/u);
});

test('a rotation that waits for a person goes on with a word, survives a kill, and is given up', async () => {
  await using site = new Site();
  await site.begin();
  const before = site.roots();

  const waiting = await site.rotate('root', '--wait', '--name', 'spring', '--approve', 'Canary');
  expect(waiting.status).toBe(4);
  expect(waiting.stdout).toContain('CARotation spring stands still at Canary (AwaitingApproval)');
  expect(waiting.stdout).toContain(`mtlsd rotate approve spring Canary --out ${site.out}`);
  expect((await site.command('status', '--out', site.out).outcome()).status).toBe(1);
  await site.crash();

  expect(await site.rotate('pause')).toMatchObject({ status: 0, stdout: 'CARotation spring: is paused\n' });
  expect(await site.rotate('approve', 'spring', 'Canary')).toMatchObject({ status: 0, stdout: 'CARotation spring: Canary is approved\n' });
  const paused = await site.rotate('wait');
  expect(paused.status).toBe(4);
  expect(paused.stdout).toContain('(Paused)');
  expect(site.object('spring').status?.switchedAt).toBeUndefined();

  expect(await site.rotate('abort', 'spring')).toMatchObject({ status: 0 });
  const aborted = await site.rotate('wait', 'spring');
  expect(aborted.status).toBe(1);
  expect(aborted.stdout).toContain('CARotation spring: Aborted');
  expect(site.roots()).toEqual(before);
  const receipt = await site.rotate('receipt', 'spring');
  expect(receipt.stdout).toMatch(/outcome +Aborted/u);

  // The name is free for nobody; the next attempt has one of its own, and goes all the way: an issuing authority changes no bundle.
  const ca = site.caOf('cart');
  const issuing = await site.rotate('issuing', '--wait');
  expect(issuing).toMatchObject({ status: 0, stderr: '' });
  expect(site.caOf('cart')).toBe(ca);
  expect(site.verifies('cart', 'pay')).toBe(true);
});

test('in an emergency the old root is distrusted at the time that was named, and a rotation that was under way is given up', async () => {
  await using site = new Site();
  await site.begin();
  const [before = ''] = site.roots();
  writeFileSync(join(site.root, 'stolen.pem'), readFileSync(join(site.out, 'identities/shop/cart/tls.crt')));
  const thief = join(site.root, 'thief');
  cpSync(join(site.out, 'identities/shop/cart'), thief, { recursive: true, dereference: true });
  expect(await site.shakesHands(thief)).toBe(true);

  expect((await site.rotate('root', '--name', 'spring', '--approve', 'Written')).status).toBe(0);
  await until('another root is prepared', () => site.object('spring').status?.startedAt !== undefined);
  const unconfirmed = await site.rotate('root', '--emergency');
  expect(unconfirmed.status).toBe(2);
  expect(unconfirmed.stderr).toContain('confirm it by --confirm shop.example');
  expect(unconfirmed.stderr).toContain('CARotation spring: ends in its phase');
  expect(existsSync(join(site.out, 'status/CARotation/stolen.yaml'))).toBe(false);

  const drill = await site.rotate('root', '--emergency', '--dry-run', '--distrust-after', '6s');
  expect(drill.status).toBe(0);
  expect(drill.stdout).toContain('to distrust');
  const { status, stdout } = await site.rotate('root', '--emergency', '--confirm', 'shop.example', '--distrust-after', '6s', '--wait', '--name', 'stolen');
  expect({ status, stdout }).toMatchObject({ status: 0 });
  expect(stdout).toContain('CARotation stolen: Complete');
  const object = site.object('stolen');
  const switchedMs = Date.parse(object.status?.switchedAt ?? '');
  expect(Date.parse(object.status?.distrustAt ?? '') - switchedMs).toBe(6_000);
  expect(Date.parse(object.status?.retiredAt ?? '')).toBeGreaterThanOrEqual(switchedMs + 6_000);

  const givenUp = await site.rotate('wait', 'spring');
  expect(givenUp.status).toBe(1);
  expect(givenUp.stdout).toContain('CARotation spring: Aborted: the emergency CARotation stolen took over, before the switch');
  expect((await site.rotate('receipt', 'spring')).stdout).toMatch(/outcome +Aborted: the emergency stolen took over/u);

  expect(site.roots()).toHaveLength(1);
  expect(site.roots()).not.toContain(before);
  expect(site.verifies('cart', 'pay')).toBe(true);
  expect(await site.shakesHands(join(site.out, 'identities/shop/cart'))).toBe(true);
  expect(await site.shakesHands(thief, true)).toBe(false);
  const stolen = spawnSync('openssl', ['verify', '-CAfile', join(site.out, 'identities/shop/pay/ca.crt'), '-untrusted', join(site.root, 'stolen.pem'), join(site.root, 'stolen.pem')]);
  expect(stolen.status).not.toBe(0);
});
