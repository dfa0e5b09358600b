import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keepReceipt } from '../../src/controllers/receipts/book.ts';
import { publicKeysEntry, readPublicKeys, verifyReceipt, type ReceiptDocument } from '../../src/rotation/receipt/index.ts';
import { MemoryStore } from '../../src/store/memory/index.ts';
import { generateKeyPair } from '../../src/x509/index.ts';
import { sampleDocument } from '../rotation/receipt-samples.ts';

const name = 'mtlsd-receipts-shop.example';
const keyName = 'mtlsd-audit-key';
const systemNamespace = 'mtlsd-system';

function site() {
  let uid = 0;
  let nowMs = Date.parse('2026-03-01T12:00:00Z');
  const store = new MemoryStore({ nowMs: () => nowMs, uid: () => `uid-${(uid += 1)}` });
  const told: string[] = [];
  const context = {
    store,
    systemNamespace,
    clock: { nowMs: () => nowMs, schedule: () => () => undefined },
    tools: { generateKeyPair, randomBytes: (length: number) => new Uint8Array(length) },
    audit: { record: ({ decision }: { decision: string }) => void told.push(decision) },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  };
  const receipts = async () => (await store.get({ kind: 'ConfigMap', namespace: systemNamespace, name }))?.data ?? {};
  const key = async () => store.get({ kind: 'Secret', namespace: systemNamespace, name: keyName });
  return { context, store, told, receipts, key, later: (ms: number) => (nowMs += ms) };
}

const rotation = (number: number, more: Partial<ReceiptDocument['rotation']> = {}): ReceiptDocument => ({
  ...sampleDocument,
  rotation: { ...sampleDocument.rotation, name: `rotation-${number}`, uid: `rotation-uid-${number}`, endedAt: new Date(Date.parse('2026-03-01T11:30:00Z') + number * 1_000).toISOString(), ...more },
});

describe('the receipts of a trust domain', () => {
  test('lie in one ConfigMap, with the key that verifies them', async () => {
    const { context, receipts, key, told } = site();
    const kept = await keepReceipt(context, sampleDocument);
    const data = await receipts();
    expect(kept).toEqual({ configMap: name, key: 'spring.json', sha256: hash('sha256', data['spring.json'] ?? '', 'hex') });
    expect(await keepReceipt(context, sampleDocument)).toEqual(kept);
    const keys = readPublicKeys(data[publicKeysEntry] ?? '');
    expect(verifyReceipt(Buffer.from(data['spring.json'] ?? ''), keys).problems).toEqual([]);
    expect((await key())?.type).toBe('mtlsd.io/audit-key');
    expect(told).toEqual(['audit-key-created', 'receipt-signed']);
  });

  test('are signed once a rotation, by one key, however often it is asked for and by how many', async () => {
    const { context, receipts, store } = site();
    await Promise.all([keepReceipt(context, sampleDocument), keepReceipt(context, sampleDocument), keepReceipt(context, rotation(1))]);
    const before = await receipts();
    await keepReceipt(context, { ...sampleDocument, approvals: [] });
    expect(await receipts()).toEqual(before);
    expect(Object.keys(before).sort()).toEqual([publicKeysEntry, 'rotation-1.json', 'spring.json']);
    expect(readPublicKeys(before[publicKeysEntry] ?? '')).toHaveLength(1);
    expect(store.counts().created).toBe(2);
  });

  test('of rotations with one name do not replace each other', async () => {
    const { context, receipts } = site();
    await keepReceipt(context, rotation(1, { name: 'again' }));
    await keepReceipt(context, rotation(2, { name: 'again', uid: '1234567890' }));
    expect(Object.keys(await receipts()).sort()).toEqual(['again-12345678.json', 'again.json', publicKeysEntry]);
  });

  test('are the newest 32', async () => {
    const { context, receipts } = site();
    for (let number = 0; number < 40; number += 1) await keepReceipt(context, rotation(number));
    const kept = Object.keys(await receipts()).filter((entry) => entry !== publicKeysEntry);
    expect(kept).toHaveLength(32);
    expect(kept).toContain('rotation-39.json');
    expect(kept).not.toContain('rotation-7.json');
  });

  test('take no more than a ConfigMap holds', async () => {
    const { context, receipts } = site();
    const exemptions = Array.from({ length: 50 }, () => ({ object: `Pod shop/${'p'.repeat(240)}`, reason: 'r'.repeat(250), until: '2026-03-02T00:00:00Z' }));
    for (let number = 0; number < 20; number += 1) await keepReceipt(context, { ...rotation(number), exemptions });
    const texts = Object.values(await receipts()).join('');
    expect(texts.length).toBeLessThan(280_000);
    expect(await receipts()).toHaveProperty('rotation-19.json');
  });
});

describe('the audit key', () => {
  test('is another one after a year; what the old one signed still verifies by what is published', async () => {
    const { context, receipts, later } = site();
    await keepReceipt(context, rotation(1));
    later(366 * 86_400_000);
    await keepReceipt(context, rotation(2));
    const data = await receipts();
    const keys = readPublicKeys(data[publicKeysEntry] ?? '');
    expect(keys).toHaveLength(2);
    for (const entry of ['rotation-1.json', 'rotation-2.json']) expect(verifyReceipt(Buffer.from(data[entry] ?? ''), keys).problems).toEqual([]);
    expect(verifyReceipt(Buffer.from(data['rotation-2.json'] ?? ''), keys.slice(0, 1)).problems).toEqual([]);
  });

  test.each(['gone', 'broken'])('that is %s is replaced, and its public half stays', async (what) => {
    const { context, receipts, key, store } = site();
    await keepReceipt(context, rotation(1));
    const secret = await key();
    if (secret === undefined) throw new Error('there is no key');
    const { uid, resourceVersion } = secret.metadata;
    if (what === 'gone') await store.delete({ kind: 'Secret', namespace: systemNamespace, name: keyName }, { uid, resourceVersion });
    else await store.write({ ...secret, data: { 'current.key': 'AAAA' } }, { uid, resourceVersion });
    await keepReceipt(context, rotation(2));
    const data = await receipts();
    const keys = readPublicKeys(data[publicKeysEntry] ?? '');
    expect(keys).toHaveLength(2);
    expect(verifyReceipt(Buffer.from(data['rotation-1.json'] ?? ''), keys).problems).toEqual([]);
  });
});
