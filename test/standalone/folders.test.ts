import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, afterAll } from 'vitest';
import { parse } from 'yaml';
import { run, type Outcome } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';

const files = ['bundle.json', 'ca.crt', 'credential-bundle.pem', 'tls.crt', 'tls.key'];
const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8).padStart(4, '0');

function tree(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
}

describe('mtlsd run --once on one folder', () => {
  const sandbox = new Sandbox();
  let outcome: Outcome;
  beforeAll(async () => {
    sandbox.write('trust-domain.yaml', trustDomain());
    sandbox.write('below/identities.json', identity('cart'));
    sandbox.write('several.yml', identity('group', { secretTemplate: { annotations: { 'mtlsd.io/file-mode': '0640' } } }), identity('pay', {}, { namespace: 'bank' }));
    sandbox.write('notes.txt', 'not a manifest: {');
    outcome = await sandbox.once();
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  test('reads *.yaml, *.yml and *.json below it, several documents in one, and exits with 0 when all are Ready', () => {
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/3 of 3 identities are ready\n$/u);
    expect(sandbox.identity('pay', 'bank').now().spiffeId).toBe('spiffe://shop.example/ns/bank/sa/pay');
  });

  test('OUT: each identity in kubelet\'s layout, and a status file for each object', () => {
    for (const [namespace, name] of [['shop', 'cart'], ['shop', 'group'], ['bank', 'pay']] as const) {
      const folder = sandbox.identity(name, namespace).folder;
      const visible = readdirSync(folder).filter((file) => !file.startsWith('..')).sort();
      expect(visible).toEqual(files);
      for (const file of visible) expect(lstatSync(join(folder, file)).isSymbolicLink(), file).toBe(true);
      expect(lstatSync(join(folder, '..data')).isSymbolicLink()).toBe(true);
      const status = parse(readFileSync(join(sandbox.out, 'status/WorkloadIdentity', namespace, `${name}.yaml`), 'utf8')) as { status: object };
      expect(status).toMatchObject({ kind: 'WorkloadIdentity', status: { trustDomain: 'shop.example', spiffeID: `spiffe://shop.example/ns/${namespace}/sa/${name}` } });
    }
    expect(parse(readFileSync(join(sandbox.out, 'status/TrustDomain/shop.example.yaml'), 'utf8'))).toMatchObject({ status: { signerEpoch: 1, bundle: { generation: 1 } } });
  });

  test('keys are for their owner alone, what is public is for all, unless a mode is given', () => {
    const modes = (name: string): object => Object.fromEntries(files.map((file) => [file, mode(sandbox.identity(name).file(file))]));
    expect(modes('cart')).toEqual({ 'bundle.json': '0644', 'ca.crt': '0644', 'credential-bundle.pem': '0600', 'tls.crt': '0644', 'tls.key': '0600' });
    expect(modes('group')).toMatchObject({ 'credential-bundle.pem': '0640', 'tls.key': '0640' });
  });

  test('STATE lies beside OUT, with 0700 for folders and 0600 for files; no key is anywhere else', () => {
    expect(readdirSync(sandbox.root).sort()).toEqual(['manifests', 'out', 'out.state']);
    for (const path of [sandbox.state, ...tree(sandbox.state)]) expect([path, mode(path)]).toEqual([path, statSync(path).isDirectory() ? '0700' : '0600']);
    expect(statSync(sandbox.record()).isFile()).toBe(true);
    const withKey = [...tree(sandbox.out), ...tree(sandbox.state)].filter((path) => statSync(path).isFile() && /PRIVATE KEY|"[0-9a-f]{40}\.key"/u.test(readFileSync(path, 'latin1')));
    for (const path of withKey) expect(path === sandbox.record() || /\/identities\/.*\/(tls\.key|credential-bundle\.pem)$/u.test(path), path).toBe(true);
  });

  test('a second run changes nothing: no leaf, no root, no file', async () => {
    const before = [...tree(sandbox.out), ...tree(sandbox.state)].sort();
    const serial = sandbox.identity('cart').now().leaf.serialNumber;
    expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '', stdout: '3 of 3 identities are ready\n' });
    expect(sandbox.identity('cart').now().leaf.serialNumber).toBe(serial);
    expect([...tree(sandbox.out), ...tree(sandbox.state)].sort()).toEqual(before);
  });

  test('mtlsd inspect and mtlsd verify read what was written', async () => {
    const cart = sandbox.identity('cart');
    const inspected = await run('inspect', cart.file('credential-bundle.pem'));
    expect(inspected).toMatchObject({ status: 0, stderr: '' });
    expect(inspected.stdout).toContain('spiffe://shop.example/ns/shop/sa/cart');
    const verify = (...options: readonly string[]): Promise<Outcome> => run('verify', '--bundle', cart.file('ca.crt'), cart.file('tls.crt'), ...options);
    expect(await verify('--spiffe-id', 'spiffe://shop.example/ns/shop/sa/cart')).toMatchObject({ status: 0, stderr: '' });
    const refused = await verify('--trust-domain', 'bank.example');
    expect(refused.status).toBe(1);
    expect(refused.stdout + refused.stderr).toContain('bank.example');
  });
});

test('--state, --file-mode and --file-owner are heeded; a wrong one is refused before anything is written', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('cart'));
  const refused = await sandbox.once('--file-mode', '0777');
  expect(refused).toMatchObject({ status: 2, stdout: '' });
  expect(refused.stderr).toContain('--file-mode is "0777"; write an octal mode such as 0640');
  expect(readdirSync(sandbox.root)).toEqual(['manifests']);
  const owner = process.getuid?.() === 0 ? ['--file-owner', '12345:12345'] : [];
  const state = join(sandbox.root, 'elsewhere');
  expect(await sandbox.once('--state', state, '--file-mode', '0440', ...owner)).toMatchObject({ status: 0 });
  expect(readdirSync(sandbox.root).sort()).toEqual(['elsewhere', 'manifests', 'out']);
  const key = sandbox.identity('cart').file('tls.key');
  expect(mode(key)).toBe('0440');
  if (owner.length > 0) expect(statSync(key)).toMatchObject({ uid: 12345, gid: 12345 });
});
