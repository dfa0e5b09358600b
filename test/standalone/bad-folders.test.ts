import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

async function issuedOnce(): Promise<Sandbox> {
  const sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('cart'));
  expect(await sandbox.once()).toMatchObject({ status: 0 });
  return sandbox;
}

describe('folders that cannot be used end the program with 3, say what to do, and stay as they are', () => {
  test.each([
    ['an output folder that is not ours', (sandbox: Sandbox) => {
      mkdirSync(sandbox.out);
      writeFileSync(join(sandbox.out, 'thesis.txt'), 'mine');
    }, [] as readonly string[], ['holds "thesis.txt", which mtlsd did not write', 'Choose a new or empty folder with --out']],
    ['a state folder that is not ours', (sandbox: Sandbox) => {
      mkdirSync(sandbox.state);
      writeFileSync(join(sandbox.state, 'thesis.txt'), 'mine');
    }, [], ['holds "thesis.txt" but no state.json', 'Choose a new or empty folder with --state']],
    ['STATE inside OUT', () => undefined, ['--state', 'out/state'], ['The state folder', 'lies in the output folder', 'Choose folders of which none lies in another']],
    ['OUT inside the manifests', () => undefined, ['--out', 'manifests/out'], ['lies in the manifests folder']],
    ['an output folder that is a file', (sandbox: Sandbox) => writeFileSync(sandbox.out, 'mine'), [], ['out', 'cannot be used: a file is where a folder is wanted']],
  ] as const)('%s', async (_what, prepare, options, sentences) => {
    await using sandbox = new Sandbox();
    sandbox.write('all.yaml', trustDomain(), identity('cart'));
    prepare(sandbox);
    const before = readdirSync(sandbox.root, { recursive: true }).filter((path) => String(path).endsWith('.txt'));
    const outcome = await sandbox.once(...options);
    expect(outcome).toMatchObject({ status: 3, stdout: '' });
    for (const sentence of sentences) expect(outcome.stderr).toContain(sentence);
    expect(outcome.stderr).toMatch(/^mtlsd: /u);
    expect(readdirSync(sandbox.root, { recursive: true }).filter((path) => String(path).endsWith('.txt'))).toEqual(before);
    expect(existsSync(sandbox.record())).toBe(false);
  });

  test('a state folder from a newer version', async () => {
    await using sandbox = await issuedOnce();
    const marker = join(sandbox.state, 'state.json');
    const { state } = JSON.parse(readFileSync(marker, 'utf8')) as { state: string };
    writeFileSync(marker, JSON.stringify({ version: 99, state }));
    const leaf = sandbox.identity('cart').now().leaf.serialNumber;
    const outcome = await sandbox.once();
    expect(outcome).toMatchObject({ status: 3, stdout: '' });
    expect(outcome.stderr).toContain(`${marker} is of version 99, written by a newer mtlsd`);
    expect(outcome.stderr).toContain('Run the newer version again');
    expect(sandbox.identity('cart').now().leaf.serialNumber).toBe(leaf);
  });

  test('a second process on the same state names the first, which goes on', async () => {
    await using sandbox = await issuedOnce();
    const daemon = sandbox.start();
    await daemon.says('try: ');
    const second = await sandbox.once();
    expect(second).toMatchObject({ status: 3, stdout: '' });
    expect(second.stderr).toContain(`is in use by process ${daemon.pid}`);
    expect(second.stderr).toContain('Stop it, or choose another state folder with --state');
    const elsewhere = await sandbox.once('--out', join(sandbox.root, 'out2'), '--state', sandbox.state);
    expect(elsewhere.status).toBe(3);
    sandbox.write('more.yaml', identity('more'));
    await sandbox.issued('more');
    expect(daemon.running).toBe(true);
  });

  test('a folder of manifests that is missing is named, in the answer and in the status', async () => {
    await using sandbox = new Sandbox();
    rmSync(sandbox.manifests, { recursive: true });
    const outcome = await sandbox.once();
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/^the folder of manifests: ManifestsUnavailable: .*manifests.* Bring the folder back\./mu);
    const status = await run('status', '--out', sandbox.out);
    expect(status.stdout).toMatch(/✗ the folder of manifests {2}ManifestsUnavailable/u);
  });

  test('mtlsd status of a folder that holds no output', async () => {
    const outcome = await run('status', '--out', '/nowhere/at/all');
    expect(outcome).toMatchObject({ stdout: '' });
    expect([2, 3]).toContain(outcome.status);
    expect(outcome.stderr).toContain('/nowhere/at/all holds no output of mtlsd: name the folder that `mtlsd run` was given as --out');
  });
});

describe('an authority record that cannot be used is never replaced by a new authority in silence', () => {
  const damage = {
    'cut in half': (text: string) => text.slice(0, text.length / 2),
    'empty': () => '',
    'another text': () => 'not JSON',
    'of a newer version': (text: string) => text.replace('"version": 1', '"version": 99'),
    'with one key of another': (text: string) => text.replace(/"([0-9a-f]{40}\.key)": "[^"]{40}/u, `"$1": "${'A'.repeat(40)}`),
    'without its keys': (text: string) => text.replaceAll(/^ *"[0-9a-f]{40}\.key": "[^"]+",?\n/gmu, ''),
  };

  test.each(Object.entries(damage))('%s: told with what to restore, the pair stays; another trust domain goes on; restored, it heals', async (what, spoil) => {
    await using sandbox = await issuedOnce();
    const [good, cart] = [readFileSync(sandbox.record(), 'utf8'), sandbox.identity('cart').now()];
    const spoiled = spoil(good);
    expect(spoiled).not.toBe(good);
    writeFileSync(sandbox.record(), spoiled);
    sandbox.write('new.yaml', identity('new', { trustDomain: 'shop.example' }));
    sandbox.write('bank.yaml', trustDomain('bank.example'), identity('healthy', { trustDomain: 'bank.example' }));
    const outcome = await sandbox.once();
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain('TrustDomain shop.example: ');
    expect(outcome.stderr).toContain('WorkloadIdentity shop/new: ');
    expect(outcome.stderr).toMatch(what === 'of a newer version' ? /written by a newer mtlsd.*Run the newer version/u : /restore/iu);
    expect(outcome.stderr).not.toMatch(/-----BEGIN|MI[A-Za-z0-9+/]{60}/u);
    expect(readFileSync(sandbox.record(), 'utf8')).toBe(spoiled);
    expect(sandbox.identity('cart').now().leaf.serialNumber).toBe(cart.leaf.serialNumber);
    expect(sandbox.identity('healthy').now().spiffeId).toBe('spiffe://bank.example/ns/shop/sa/healthy');

    writeFileSync(sandbox.record(), good);
    expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
    expect(sandbox.identity('new').now().roots[0]?.fingerprint256).toBe(cart.roots[0]?.fingerprint256);
  });

  test('lost: the same; given up by an annotation that names the lost root, and only that, a new root is made', async () => {
    await using sandbox = await issuedOnce();
    const [root] = sandbox.identity('cart').now().roots;
    rmSync(sandbox.record());
    sandbox.write('new.yaml', identity('new'));
    const lost = await sandbox.once();
    expect(lost.status).toBe(1);
    expect(lost.stderr).toMatch(/^TrustDomain shop\.example: AuthorityRecordLost: the authority record of shop\.example in \S+out\.state is gone, but .*: restore it from a backup\. To give the old root up instead .*, annotate the TrustDomain with mtlsd\.io\/new-root: [0-9a-f]{40}$/mu);
    expect(existsSync(sandbox.record())).toBe(false);
    const key = /mtlsd\.io\/new-root: ([0-9a-f]{40})/u.exec(lost.stderr)?.[1] ?? '';

    const asking = (value: string): object => ({ ...trustDomain(), metadata: { name: 'shop.example', annotations: { 'mtlsd.io/new-root': value } } });
    sandbox.write('all.yaml', asking('0'.repeat(40)), identity('cart'));
    expect(await sandbox.once()).toMatchObject({ status: 1 });
    expect(existsSync(sandbox.record())).toBe(false);
    sandbox.write('all.yaml', asking(key), identity('cart'));
    expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
    const replaced = sandbox.identity('cart').now().roots;
    expect(replaced).toHaveLength(1);
    expect(replaced[0]?.fingerprint256).not.toBe(root?.fingerprint256);
    // The annotation is left in place: it does not fire twice.
    expect(await sandbox.once()).toMatchObject({ status: 0 });
    expect(sandbox.identity('cart').now().roots[0]?.fingerprint256).toBe(replaced[0]?.fingerprint256);
  });
});

/** A file system that is full at will needs a mount of its own. */
const mayMount = process.getuid?.() === 0 && canMount();
if (!mayMount) process.stderr.write('SKIPPED: the test of a full disk needs root and the right to mount\n');

test.skipIf(!mayMount && process.env['CI'] !== 'true')('a full disk: the old pair stays whole, the identity says why, and it goes on by itself when there is room', async () => {
  await using sandbox = new Sandbox();
  mkdirSync(sandbox.out);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', sandbox.out]);
  try {
    sandbox.write('all.yaml', trustDomain(), identity('cart'));
    const daemon = sandbox.start();
    const before = (await sandbox.issued('cart')).now();
    fill(join(sandbox.out, 'identities', 'ballast'));
    sandbox.write('all.yaml', trustDomain(), identity('cart', { dnsNames: ['cart.shop'] }));
    await daemon.says(/the disk is full: free some space/u);
    expect(sandbox.identity('cart').now().leaf.serialNumber).toBe(before.leaf.serialNumber);
    rmSync(join(sandbox.out, 'identities', 'ballast'));
    await until('the new names are issued', () => sandbox.identity('cart').now().leaf.subjectAltName?.includes('cart.shop'));
    await daemon.stop();
  } finally {
    execFileSync('umount', ['-l', sandbox.out]);
  }
});

function fill(path: string): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(4096), { flag: 'a' });
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  }
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
