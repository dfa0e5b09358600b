import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkout, Command } from './command.ts';
import { Identity } from './identity.ts';
import { until } from './wait.ts';

/** The checkout as a fresh clone has it, so that what runs here meets nobody's `.mtlsd`. */
const clone = mkdtempSync(join(tmpdir(), 'mtlsd-clone-'));
for (const name of ['package.json', 'examples']) cpSync(join(checkout, name), join(clone, name), { recursive: true });
for (const name of ['src', 'scripts', 'crds', 'bin', 'node_modules']) symlinkSync(join(checkout, name), join(clone, name));
afterAll(() => rmSync(clone, { recursive: true, force: true }));

const shop = [
  ['shop', 'storefront', 'spiffe://shop.example/ns/shop/sa/storefront', 'ec'],
  ['shop', 'cart', 'spiffe://shop.example/ns/shop/sa/cart', 'ec'],
  ['shop', 'checkout', 'spiffe://shop.example/ns/shop/sa/checkout', 'ed25519'],
  ['shop', 'cart-legacy', 'spiffe://shop.example/ns/shop/sa/cart', 'rsa'],
  ['orders', 'orders', 'spiffe://shop.example/ns/orders/sa/orders', 'ec'],
] as const;

const identities = (): readonly Identity[] => shop.map(([namespace, name]) => new Identity(join(clone, '.mtlsd/identities', namespace, name)));
const serials = (): readonly string[] => identities().map((each) => each.now().leaf.serialNumber);
const roots = (): readonly string[] => [...new Set(identities().flatMap((each) => each.now().roots.map((root) => root.fingerprint256)))];

async function start(): Promise<Command> {
  const command = new Command('npm', ['start'], { cwd: clone });
  await until('every identity of the shop is there', () => identities().every((each) => each.read() !== undefined));
  return command;
}

test('npm start: a trust domain and five identities of different kinds, from real manifests, at once; in a pipe, log lines that say what to try', async () => {
  await using command = new Command('npm', ['start'], { cwd: clone });
  await until('the first identity is there', () => identities().some((each) => each.read() !== undefined));
  console.log(`first SVID ${Math.round(performance.now() - command.startedMs)} ms after the start of npm (told, not judged: the machine is shared)`);
  for (const [index, [namespace, name, spiffeId, keyType]] of shop.entries()) {
    const pair = await until(`${namespace}/${name} is there`, () => identities()[index]?.read());
    expect(pair.spiffeId).toBe(spiffeId);
    expect(pair.leaf.publicKey.asymmetricKeyType).toBe(keyType);
  }
  await command.says('try: bin/mtlsd inspect .mtlsd/identities/');
  for (const [namespace, name] of shop) await command.says(new RegExp(`INFO: spiffe://\\S+ issued into Secret \\S+.*object=WorkloadIdentity ${namespace}/${name}\\b`, 'u'));
  expect(command.stdout).not.toContain('\u001B');
  expect(readdirSync(clone)).toEqual(expect.arrayContaining(['.mtlsd', '.mtlsd.state']));
  await command.stop('SIGINT');
});

test('stopped by SIGINT, SIGTERM or SIGKILL and started again: the same root, and no leaf that is still good is issued anew', async () => {
  await using first = await start();
  const root = roots();
  expect(root).toHaveLength(1);
  await first[Symbol.asyncDispose]();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    await using bare = new Command(join(clone, 'bin/mtlsd'), ['run', 'examples/shop', '--out', '.mtlsd'], { cwd: clone });
    await bare.says(/try: bin\/mtlsd inspect/u);
    const [before, ended] = [serials(), await bare.stop(signal)];
    expect(ended).toMatchObject(signal === 'SIGKILL' ? { signal } : { status: 0, stderr: '' });
    if (signal !== 'SIGKILL') expect(ended.stdout).toContain('stopping: what is in flight is finished first');
    await using again = new Command(join(clone, 'bin/mtlsd'), ['run', 'examples/shop', '--out', '.mtlsd'], { cwd: clone });
    await again.says(/try: bin\/mtlsd inspect/u);
    expect(roots()).toEqual(root);
    const renewed = [...again.stdout.matchAll(/issued into Secret (\S+) \((?!renewal)/gu)].map(([line]) => line);
    expect(renewed).toEqual([]);
    expect(serials().filter((serial) => before.includes(serial)).length).toBeGreaterThan(0);
    await again.stop();
  }
  expect(existsSync(join(clone, '.mtlsd/problems.json'))).toBe(false);
});
