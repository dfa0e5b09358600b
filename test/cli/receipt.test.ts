import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { signReceipt } from '../../src/rotation/receipt/index.ts';
import { newAuditKey, sampleDocument } from '../rotation/receipt-samples.ts';
import { captured } from './captured.ts';
import { OutFolder } from './rotate-folder.ts';
import { rotation, trustDomainFixture } from './rotate-samples.ts';

const key = newAuditKey();
const text = signReceipt(sampleDocument, key);
const out = new OutFolder(trustDomainFixture(), rotation({ phase: 'Complete', receipt: { configMap: 'mtlsd-receipts-shop.example', key: 'spring.json' } }), rotation({}, {}, 'summer'));
afterAll(() => out[Symbol.dispose]());
const folder = join(out.path, 'receipts/shop.example');
const [receipt, keys] = [join(folder, 'spring.json'), join(folder, 'audit-keys.pem')];
mkdirSync(folder, { recursive: true });
writeFileSync(receipt, text);
writeFileSync(keys, `${newAuditKey().pem}${key.pem}`);

describe('mtlsd rotate receipt', () => {
  test('shows what a rotation came to, in words', async () => {
    const { stdout, status } = await captured(['rotate', 'receipt', 'spring', '--out', out.path]);
    expect(status).toBe(0);
    expect(stdout).toContain(`✓ It is as it was signed, by key ${key.keyId}\n`);
    expect(stdout).toContain('the root of shop.example, graceful');
    expect(stdout).toContain('2026-03-01T11:30:00Z (2h 30m)');
    expect(stdout).toMatch(/bundles +1 → 2 → 3/u);
    expect(stdout).toMatch(/from +root +gone +00112233/u);
    expect(stdout).toMatch(/Loaded +passed +12\/12 +bounded, exempted +2026-03-01T10:01:33Z +Pod shop\/till-0/u);
    expect(stdout).toMatch(/Pod shop\/till-0 +2026-03-02T00:00:00Z +it is replaced tonight/u);
  });

  test('prints it byte by byte as JSON', async () => {
    expect((await captured(['rotate', 'receipt', 'spring', '--output', 'json', '--out', out.path])).stdout).toBe(text);
  });

  test.each([['summer', 'has no receipt yet: it is signed when the rotation has ended'], ['winter', 'ROTATION_NOT_FOUND']])('of %s: %s', async (name, error) => {
    expect((await captured(['rotate', 'receipt', name, '--out', out.path])).error).toContain(error);
  });
});

describe('mtlsd receipt verify', () => {
  test('says by which key, and that somebody has to know it', async () => {
    const trusted = await captured(['receipt', 'verify', receipt, '--key', keys]);
    expect(trusted).toMatchObject({ status: 0, error: undefined });
    expect(trusted.stdout).not.toContain('own word');
    const untrusted = await captured(['receipt', 'verify', receipt]);
    expect(untrusted.status).toBe(0);
    expect(untrusted.stdout).toContain("That it is the key of your installation is the receipt's own word: give the key that you trust by --key");
  });

  test('names what was changed, and shows nothing of it as if it were true', async () => {
    const forged = join(out.path, 'forged.json');
    writeFileSync(forged, text.replace('"reissued":12', '"reissued":13'));
    const { stdout, status } = await captured(['receipt', 'verify', forged, '--key', keys]);
    expect(status).toBe(1);
    expect(stdout).toBe('This is no receipt as it was signed:\n  ✗ its part "counts" is not what was signed\n  ✗ its signature is not over this receipt\n');
    const json = await captured(['receipt', 'verify', forged, '--key', keys, '--output', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ keyIsTrusted: true, problems: ['its part "counts" is not what was signed', 'its signature is not over this receipt'] });
    expect(json.status).toBe(1);
  });

  test('refuses the key of somebody else', async () => {
    const other = join(out.path, 'other.pem');
    writeFileSync(other, newAuditKey().pem);
    const { stdout, status } = await captured(['receipt', 'verify', receipt, '--key', other]);
    expect(status).toBe(1);
    expect(stdout).toContain(`it is signed by key ${key.keyId}, which is none of the keys that were given`);
  });

  test('prints no control character of a stranger', async () => {
    const evil = join(out.path, 'evil.json');
    writeFileSync(evil, signReceipt({ ...sampleDocument, exemptions: [{ object: 'Pod a', reason: '\u001B[2J\u202Egone', until: 'x' }] }, key));
    const { stdout } = await captured(['receipt', 'verify', evil]);
    expect(stdout).toContain(String.raw`\u{1b}[2J\u{202e}gone`);
    expect(stdout).not.toContain('\u001B');
  });

  test.each([
    ['a key file without a key', [receipt, '--key', receipt], 'holds no public key'],
    ['a missing file', [join(folder, 'none.json')], 'does not exist'],
  ])('refuses %s', async (_, args, error) => {
    expect((await captured(['receipt', 'verify', ...args])).error).toContain(error);
  });

  test('of any file that is none says so', async () => {
    const { stdout, status } = await captured(['receipt', 'verify', keys]);
    expect(status).toBe(1);
    expect(stdout).toContain('it is not JSON');
  });
});
