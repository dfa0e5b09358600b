import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeAuditKeys, encodeAuditKeys, isAuditKeyOld, publicKeysPem, readPublicKeys, replaceAuditKey, signReceipt, verifyReceipt } from '../../src/rotation/receipt/index.ts';
import { newAuditKey, sampleDocument } from './receipt-samples.ts';

const key = newAuditKey();
const signed = Buffer.from(signReceipt(sampleDocument, key), 'utf8');
const problemsOf = (text: string | Uint8Array, keys = [key]): readonly string[] => verifyReceipt(Buffer.from(text), keys).problems;

describe('a receipt', () => {
  test('is what was signed, by the key that was given and by the one that it names', () => {
    expect(verifyReceipt(signed, [key])).toMatchObject({ problems: [], keyId: key.keyId, keyIsTrusted: true });
    expect(verifyReceipt(signed, undefined)).toMatchObject({ problems: [], keyIsTrusted: false, receipt: sampleDocument });
  });

  test('shows any change of any one byte, also to whoever has no key', () => {
    for (let at = 0; at < signed.length; at += 1) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const changed = Buffer.from(signed);
        changed[at] = (changed[at] ?? 0) ^ flip;
        // Every fifth place for the costlier question: the answers differ in where the key comes from alone.
        expect(verifyReceipt(changed, at % 5 === 0 ? [key] : undefined).problems, `byte ${at} flipped by ${flip}`).not.toEqual([]);
      }
    }
  });

  test('shows a byte that was taken away or put in', () => {
    for (let at = 0; at <= signed.length; at += 7) {
      expect(problemsOf(Buffer.concat([signed.subarray(0, at), Buffer.from(' '), signed.subarray(at)])), `a blank at ${at}`).not.toEqual([]);
      if (at < signed.length) expect(problemsOf(Buffer.concat([signed.subarray(0, at), signed.subarray(at + 1)])), `without ${at}`).not.toEqual([]);
    }
    expect(problemsOf(signed.subarray(0, -1))).not.toEqual([]);
  });

  test.each([
    ['a count', '"reissued":12', '"reissued":13', 'its part "counts" is not what was signed'],
    ['a name', '"name":"spring"', '"name":"winter"', 'its part "rotation" is not what was signed'],
    ['a straggler', 'till-0"]', 'till-1"]', 'its part "gates" is not what was signed'],
    ['a reason', 'tonight', 'tomorrow', 'its part "exemptions" is not what was signed'],
    ['the format', 'receipt/v1', 'receipt/v2', 'its format is "mtlsd.io/rotation-receipt/v2"; this mtlsd reads "mtlsd.io/rotation-receipt/v1"'],
    ['a part', '"approvals":["Switch"],', '', 'its part "approvals" is missing'],
    ['another part', '{"receipt":{', '{"receipt":{"added":1,', 'its part "added" was not there when it was signed'],
    ['the key', `"keyId":"${key.keyId}"`, `"keyId":"${'0'.repeat(64)}"`, 'its public key is not the one that keyId names'],
    ['white space', '","value"', '", "value"', 'it is not written as it was signed: character'],
    ['a second receipt', '{"receipt":{', '{"receipt":{},"receipt":{', 'it is not written as it was signed: character'],
    ['JSON', '"gates":', '"gates"', 'it is not JSON'],
    ['the parts', '"signature":', '"seal":', 'it has not the parts "receipt" and "signature"'],
  ])('names what was changed: %s', (_, from, to, problem) => {
    const text = signed.toString('utf8').replace(from, to);
    expect(text).not.toBe(signed.toString('utf8'));
    expect(problemsOf(text).join('; ')).toContain(problem);
  });

  test('signed anew by a stranger is refused by whoever has the key, and cannot be told otherwise', () => {
    const forged = signReceipt({ ...sampleDocument, approvals: [] }, newAuditKey());
    expect(problemsOf(forged).join()).toContain('which is none of the keys that were given');
    expect(verifyReceipt(Buffer.from(forged), undefined).problems).toEqual([]);
  });

  test('with digests that were corrected as well is refused', () => {
    const other = signReceipt({ ...sampleDocument, approvals: [] }, key);
    const { receipt } = JSON.parse(other) as { receipt: object };
    const { signature } = JSON.parse(signed.toString('utf8')) as { signature: object };
    expect(problemsOf(`${JSON.stringify({ receipt, signature })}\n`)).toContain('its signature is not over this receipt');
  });

  test('stays small, whatever happened', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `Pod shop/pod-${index}`);
    const gate = { name: 'Loaded', state: 'Passed', evidence: ['exempted'] as const, done: 10_000, total: 10_000, stragglers: many };
    const exemptions = many.map((object) => ({ object, reason: 'r'.repeat(200), until: '2026-03-02T00:00:00Z' }));
    const bundles = Array.from({ length: 10_000 }, (_, generation) => ({ generation }));
    const text = signReceipt({ ...sampleDocument, gates: Array.from({ length: 12 }, () => gate), exemptions, bundles }, key);
    expect(text.length).toBeLessThan(48_000);
    expect(problemsOf(text)).toEqual([]);
  });
});

describe('any bytes', () => {
  test.each([
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['empty parts', '{"receipt":{},"signature":{}}'],
    ['parts of another kind', '{"receipt":[],"signature":1}'],
    ['a byte order mark', '\uFEFF{}'],
    ['a bomb', '['.repeat(50_000)],
    ['a bomb in a receipt', `{"receipt":{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}},"signature":{"algorithm":"","keyId":"","publicKey":"","value":""}}`],
  ])('are no receipt: %s', (_, text) => expect(problemsOf(text)).not.toEqual([]));
  test('that are no text are no receipt', () => expect(problemsOf(Uint8Array.of(0xff, 0xfe, 0x00))).toEqual(['it is not UTF-8 text']));
});

describe('audit keys', () => {
  test('are read as they were written, with those that came before', () => {
    const keys = replaceAuditKey({ current: key, earlier: [] }, newAuditKey(Date.parse('2027-01-01T00:00:00Z')));
    const read = decodeAuditKeys(encodeAuditKeys(keys));
    expect(read?.current.keyId).toBe(keys.current.keyId);
    expect(read?.current.createdAtMs).toBe(keys.current.createdAtMs);
    expect(read?.earlier).toEqual([{ keyId: key.keyId, pem: key.pem }]);
    expect(publicKeysPem(keys)).not.toContain('PRIVATE');
  });

  test('of a Secret that somebody broke are nobody’s', () => {
    const data = encodeAuditKeys({ current: key, earlier: [] });
    for (const name of Object.keys(data)) {
      if (name !== 'earlier.pem') expect(decodeAuditKeys({ ...data, [name]: 'AAAA' })).toBeUndefined();
    }
    expect(decodeAuditKeys({})).toBeUndefined();
  });

  test('are replaced after a year, and what the old one signed still verifies', () => {
    const keys = { current: key, earlier: [] };
    expect(isAuditKeyOld(keys, key.createdAtMs + 364 * 86_400_000)).toBe(false);
    expect(isAuditKeyOld(keys, key.createdAtMs + 365 * 86_400_000)).toBe(true);
    const next = replaceAuditKey(keys, newAuditKey());
    expect(problemsOf(signed, [...readPublicKeys(publicKeysPem(next))] as never)).toEqual([]);
  });

  test('that came before are kept to a bound, each once, and the private half of none', () => {
    let keys = { current: key, earlier: [] } as ReturnType<typeof replaceAuditKey>;
    for (let year = 0; year < 40; year += 1) keys = replaceAuditKey(keys, newAuditKey());
    expect(keys.earlier).toHaveLength(32);
    expect(replaceAuditKey(keys, keys.current).earlier).toEqual(keys.earlier);
    expect(Object.keys(keys.earlier[0] ?? {}).sort()).toEqual(['keyId', 'pem']);
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('!!! openssl is missing: receipts are not verified with it.');

describe.skipIf(!hasOpenssl)('OpenSSL alone', () => {
  /** As docs/operate/ca-rotation.md tells an auditor. */
  const script = `
    sed -e 's/^{"receipt"://' -e 's/,"signature":{[^{}]*}}$//' receipt.json | tr -d '\\n' > signed.json
    sed -e 's/.*"value":"\\([^"]*\\)"}}$/\\1/' receipt.json | openssl base64 -d -A > signature.der
    openssl dgst -sha256 -verify audit-key.pem -signature signature.der signed.json`;

  test('verifies a receipt, and refuses a changed one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mtlsd-receipt-'));
    try {
      const judge = (text: string) => {
        writeFileSync(join(folder, 'receipt.json'), text);
        writeFileSync(join(folder, 'audit-key.pem'), key.pem);
        return spawnSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' });
      };
      expect(judge(signed.toString('utf8')).stdout).toBe('Verified OK\n');
      expect(judge(signed.toString('utf8').replace('"reissued":12', '"reissued":13')).stdout).toBe('Verification failure\n');
      const id = execFileSync('sh', ['-c', 'openssl pkey -pubin -in audit-key.pem -outform DER | openssl dgst -sha256 -r'], { cwd: folder, encoding: 'utf8' });
      expect(id.split(' ')[0]).toBe(key.keyId);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
