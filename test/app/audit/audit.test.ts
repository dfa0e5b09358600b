import { describe, expect, test, vi } from 'vitest';
import { anchorName } from '../../../src/app/audit/anchor.ts';
import { AuditedLease } from '../../../src/app/audit/audited-lease.ts';
import type { AuditRecord } from '../../../src/audit/index.ts';
import { AuditSite, ScriptedSink, soon } from './audit-site.ts';

const issued = (index: number): AuditRecord => ({ decision: 'issued', object: `WorkloadIdentity shop/w${index}`, spiffeId: `spiffe://shop.example/ns/shop/sa/w${index}`, reason: 'first' });
const parsed = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? '{}') as Record<string, unknown>;
const anchorOf = async ({ store }: AuditSite) => store.get({ kind: 'ConfigMap', namespace: 'mtlsd-system', name: anchorName });
/** Waits for a checkpoint of the sink's last line, and for the anchor that follows it. */
async function anchored(site: AuditSite, sink: ScriptedSink): Promise<void> {
  site.pass(10_000);
  await soon(() => expect(sink.decisions.at(-1)).toBe('checkpoint'));
  site.pass(30_000);
  await soon(async () => expect(JSON.stringify((await anchorOf(site))?.data)).toContain(`\\\\\\"sequence\\\\\\":${String(parsed(sink.lines.at(-1))['sequence'])},`));
}

describe('lines', () => {
  test('are delivered when record returns, chained, signed soon and anchored', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink });
    audit.record(issued(1));
    expect(sink.decisions).toEqual(['chain-started', 'issued']);
    expect(parsed(sink.lines[1])).toMatchObject({ audit: true, sequence: 1, time: '2026-03-01T12:00:00.000Z', object: 'WorkloadIdentity shop/w1', spiffeId: 'spiffe://shop.example/ns/shop/sa/w1', reason: 'first' });
    await anchored(site, sink);
    expect(await site.verify(sink.lines)).toMatchObject({ findings: [], chains: [{ unsigned: 0, unanchored: 0 }] });
    expect((await site.verify(sink.lines.slice(0, -1))).findings).toEqual([expect.objectContaining({ kind: 'cut' })]);
  });

  test('cost nothing where there are none: no key, no anchor, no timer, and no write while nothing happens', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    {
      await using _silent = site.start('mtlsd-0', { sink });
      site.pass(86_400_000);
    }
    expect(sink.lines).toEqual([]);
    expect(await anchorOf(site)).toBeUndefined();
    await using audit = site.start('mtlsd-0', { sink });
    audit.record(issued(1));
    await anchored(site, sink);
    const before = (await anchorOf(site))?.metadata.resourceVersion;
    expect(site.time.timers).toBe(0);
    site.pass(86_400_000);
    expect((await anchorOf(site))?.metadata.resourceVersion).toBe(before);
  });

  test('of a process that ends in order are signed and anchored to the last', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    {
      await using audit = site.start('mtlsd-0', { sink });
      audit.record(issued(1));
    }
    expect(sink.decisions).toEqual(['chain-started', 'issued', 'audit-key-created', 'chain-ended', 'checkpoint']);
    expect(await site.verify(sink.lines)).toMatchObject({ findings: [], chains: [{ ended: true, unsigned: 0, unanchored: 0 }] });
  });

  test('by the thousand are signed without waiting', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink });
    for (let index = 0; index < 1_000; index += 1) audit.record(issued(index));
    await soon(() => expect(sink.decisions.at(-1)).toBe('checkpoint'));
  });

  test('go on while the store is away, and are signed when it is back', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink });
    using away = vi.spyOn(site.store, 'get').mockRejectedValue(new Error('no route to host'));
    audit.record(issued(1));
    site.pass(10_000);
    await soon(() => expect(site.told).toContain('the audit log cannot be signed now'));
    audit.record(issued(2));
    expect(sink.decisions).toEqual(['chain-started', 'issued', 'issued']);
    away.mockRestore();
    await anchored(site, sink);
    expect(site.told.filter((line) => line.includes('cannot be signed'))).toHaveLength(1);
    expect((await site.verify(sink.lines)).findings).toEqual([]);
  });

  test('bear bounded texts, whatever is recorded', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink });
    audit.record({ decision: 'refused', object: 'x'.repeat(100_000), reason: '\ud800 \u0000\n'.repeat(10_000) });
    expect(sink.lines[1]?.length).toBeLessThan(16 * 1024);
    expect((await site.verify(sink.lines)).findings).toEqual([]);
  });
});

describe('replicas and restarts', () => {
  test('a process goes on where the one before was anchored, and two anchor in one object', async () => {
    const site = new AuditSite();
    const sinks = [new ScriptedSink(), new ScriptedSink(), new ScriptedSink()] as const;
    // The first is killed: nothing is ended.
    site.start('mtlsd-0', { sink: sinks[0] }).record(issued(1));
    await anchored(site, sinks[0]);
    await using again = site.start('mtlsd-0', { sink: sinks[1] });
    await using other = site.start('mtlsd-1', { sink: sinks[2] });
    await soon(async () => expect(await anchorOf(site)).toBeDefined());
    again.record(issued(2));
    other.record(issued(3));
    await Promise.all([again.end(), other.end()]);
    expect(parsed(sinks[1].lines[0])['follows']).toMatchObject({ chain: parsed(sinks[0].lines[0])['chain'], sequence: 3 });
    const logs = sinks.map(({ lines }) => lines);
    expect(await site.verify(...logs)).toMatchObject({ findings: [], chains: [{}, { unanchored: 0 }, { unanchored: 0 }] });
    for (const missing of [0, 1, 2]) expect((await site.verify(...logs.toSpliced(missing, 1))).findings.map(({ kind }) => kind)).toEqual(['missing']);
  });
});

describe('a sink that is down', () => {
  test('loses nothing that fits: all of it comes in order, and only what came is anchored', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink });
    audit.record(issued(0));
    sink.isDown = true;
    for (let index = 1; index < 2_000; index += 1) audit.record(issued(index));
    await soon(async () => expect(await site.store.get({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-audit-key' })).toBeDefined());
    for (let minutes = 0; minutes < 5; minutes += 1) site.pass(60_000);
    expect(sink.lines).toHaveLength(2);
    expect(await anchorOf(site)).toBeUndefined();
    expect(site.told.filter((line) => line.includes('what happens waits'))).toHaveLength(1);
    sink.isDown = false;
    site.pass(60_000);
    await audit.end();
    expect(sink.decisions.filter((decision) => decision === 'issued')).toHaveLength(2_000);
    expect(await site.verify(sink.lines)).toMatchObject({ findings: [], chains: [{ lost: 0, unanchored: 0 }] });
  });

  test('for too long: decisions go on, what does not fit is counted, and the log says so itself', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink, spoolBytes: 10_000 });
    sink.isDown = true;
    for (let index = 0; index < 1_000; index += 1) audit.record(issued(index));
    audit.admit();
    sink.isDown = false;
    site.pass(60_000);
    audit.record(issued(1_000));
    await audit.end();
    const arrived = sink.decisions.filter((decision) => decision === 'issued').length;
    const [lost] = sink.lines.map(parsed).filter(({ decision }) => decision === 'lost');
    expect(arrived).toBeLessThan(100);
    expect(lost).toMatchObject({ count: 1_001 - arrived, since: '2026-03-01T12:00:00.000Z' });
    expect(await site.verify(sink.lines)).toMatchObject({ findings: [], chains: [{ lost: 1_001 - arrived }] });
    expect(site.told).toEqual(expect.arrayContaining(['the audit log is full: decisions are not recorded from now on, and counted', 'the audit log has room again']));
  });

  test('with fail-closed: nothing is signed from the moment on that it could not be recorded, and what was under way still is', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink, failClosed: true, spoolBytes: 256 * 1024 });
    const lease = new AuditedLease({ permits: () => true, acknowledge: async () => Promise.resolve() }, audit);
    sink.isDown = true;
    let signed = 0;
    const sign = (): void => {
      lease.permits('shop.example', 1, site.time.nowMs);
      audit.record(issued((signed += 1)));
    };
    expect(() => {
      for (;;) sign();
    }).toThrow(expect.objectContaining({ code: 'AUDIT_UNAVAILABLE' }) as Error);
    for (let underWay = 0; underWay < 100; underWay += 1) audit.record(issued((signed += 1)));
    sink.isDown = false;
    site.pass(60_000);
    sign();
    await audit.end();
    expect(sink.decisions.filter((decision) => decision === 'issued')).toHaveLength(signed);
    expect(sink.decisions).not.toContain('lost');
  });

  test('of a lease that is lost nothing is asked: there is nothing to sign', () => {
    const admit = vi.fn();
    expect(new AuditedLease({ permits: () => false, acknowledge: async () => Promise.resolve() }, { record: () => undefined, admit }).permits('shop.example', 1, 0)).toBe(false);
    expect(admit).not.toHaveBeenCalled();
  });
});

describe('what is counted', () => {
  test('is a line a minute for each who and policy, and many different ones are counted together', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('gateway', { sink });
    for (let index = 0; index < 1_000; index += 1) audit.count({ decision: 'verified', who: 'spiffe://shop.example/ns/edge/sa/nginx', policy: 'shop' });
    audit.count({ decision: 'verified', policy: 'other' });
    expect(sink.lines).toEqual([]);
    site.pass(60_000);
    expect(sink.lines.slice(1).map(parsed)).toEqual([
      expect.objectContaining({ decision: 'verified', count: 1_000, who: 'spiffe://shop.example/ns/edge/sa/nginx', policy: 'shop', since: '2026-03-01T12:00:00.000Z' }),
      expect.objectContaining({ decision: 'verified', count: 1, policy: 'other' }),
    ]);
    for (let index = 0; index < 1_000; index += 1) audit.count({ decision: 'verified', policy: `p${index}` });
    await audit.end();
    const counts = sink.lines.map(parsed).filter(({ decision }) => decision === 'verified').slice(2);
    expect(counts).toHaveLength(257);
    expect(counts.reduce((sum, { count }) => sum + Number(count), 0)).toBe(1_000);
  });
});

describe('persons', () => {
  const alice: AuditRecord = { decision: 'token-refused', object: 'Token', subject: 'https://idp.example|alice@example.com', address: '192.0.2.7', reason: 'expired' };
  const hashesOf = ({ lines }: ScriptedSink): readonly unknown[] => lines.map(parsed).filter(({ decision }) => decision === 'token-refused').map(({ subjectHash, callerHash }) => [subjectHash, callerHash]);

  test('are hashed by a key that replicas share, replaced when its period ends: then nobody links any more', async () => {
    const site = new AuditSite();
    const [one, two] = [new ScriptedSink(), new ScriptedSink()];
    const keyOf = async (): Promise<string | undefined> => (await site.store.get({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-audit-key' }))?.data['person.key'];
    await using a = site.start('mtlsd-0', { sink: one });
    a.record(alice);
    await soon(async () => expect(await keyOf()).toBeDefined());
    const first = await keyOf();
    await using b = site.start('mtlsd-1', { sink: two });
    b.record(alice);
    // Until the shared key is there, one of the process stands in: nothing waits, and nothing is linked.
    await soon(() => {
      a.record(alice);
      b.record(alice);
      expect(hashesOf(one).at(-1)).toEqual(hashesOf(two).at(-1));
    });
    const before = hashesOf(one).at(-1);
    a.record({ ...alice, subject: 'bob' });
    expect(hashesOf(one).at(-1)).toEqual([expect.not.stringMatching(String((before as string[])[0])), (before as string[])[1]]);
    site.pass(30 * 86_400_000);
    await soon(async () => expect(await keyOf()).not.toBe(first));
    await soon(() => {
      a.record(alice);
      expect(hashesOf(one).at(-1)).not.toEqual(before);
    });
    expect([...one.lines, ...two.lines].join('\n')).not.toMatch(/alice|192\.0\.2|idp\.example/u);
    await Promise.all([a.end(), b.end()]);
    expect((await site.verify(one.lines, two.lines)).findings).toEqual([]);
  });

  test('and what is secret are taken out of texts that people compose, as a last line of defence', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink });
    const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
    audit.record({ decision: 'refused', object: 'Token', requestId: 'alice@example.com', reason: `asked by alice@example.com from 192.0.2.7 and [2001:db8::7]:443 at 07:31:00 with ${token} and -----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----` });
    expect(parsed(sink.lines[1])).toMatchObject({ requestId: '[e-mail]', reason: 'asked by [e-mail] from [address] and [[address]]:443 at 07:31:00 with [token] and [key or certificate]' });
  });
});
