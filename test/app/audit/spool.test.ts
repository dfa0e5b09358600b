import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Audit } from '../../../src/app/audit/open.ts';
import { SinkRefusal, type AuditSink } from '../../../src/app/audit/sink.ts';
import type { AuditRecord } from '../../../src/audit/index.ts';
import { AuditSite, ScriptedSink } from './audit-site.ts';

const issued = (index: number | string): AuditRecord => ({ decision: 'issued', object: `WorkloadIdentity shop/w${index}`, reason: 'first' });
const parsed = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? '{}') as Record<string, unknown>;
const isIssued = (decision: string): boolean => decision === 'issued';

/** A collector with a limit of its own, that dislikes some lines. */
class FussySink implements AuditSink {
  readonly name = 'the collector';
  readonly lines: string[] = [];
  readonly batches: number[] = [];
  bytesMax = Infinity;
  dislikes = /^$/u;
  isDown = false;

  deliver(lines: readonly string[]): void {
    if (this.isDown) throw new Error('it is down');
    this.batches.push(lines.length);
    if (lines.reduce((sum, line) => sum + line.length + 1, 0) > this.bytesMax) throw new SinkRefusal('it answered 413');
    if (lines.some((line) => this.dislikes.test(line))) throw new SinkRefusal('it answered 400');
    this.lines.push(...lines);
  }

  get decisions(): readonly string[] {
    return this.lines.map((line) => String(parsed(line)['decision']));
  }
}

/** An audit log whose sink was down for `count` decisions. */
function waiting(site: AuditSite, sink: FussySink, count: number, record: (index: number) => AuditRecord = issued): Audit {
  const audit = site.start('mtlsd-0', { sink });
  sink.isDown = true;
  for (let index = 0; index < count; index += 1) audit.record(record(index));
  sink.isDown = false;
  return audit;
}

describe('batches', () => {
  test('are bounded in bytes', async () => {
    const site = new AuditSite();
    const sink = new FussySink();
    sink.bytesMax = 300 * 1024;
    await using audit = waiting(site, sink, 700, (index) => ({ ...issued(index), reason: 'x'.repeat(500), policy: 'y'.repeat(500) }));
    site.pass(60_000);
    await audit.end();
    expect(sink.decisions.filter(isIssued)).toHaveLength(700);
    expect(sink.batches.filter((length) => length > 1).length).toBeGreaterThan(3);
    expect(site.told.filter((line) => line.includes('left out'))).toEqual([]);
  });

  test('are halved until a collector with a limit takes them, without waiting, and all arrive in order', async () => {
    const site = new AuditSite();
    const sink = new FussySink();
    sink.bytesMax = 5_000;
    await using audit = waiting(site, sink, 1_000);
    site.pass(60_000);
    expect(sink.decisions.filter(isIssued)).toHaveLength(1_000);
    await audit.end();
    expect((await site.verify(sink.lines)).findings).toEqual([]);
    expect(sink.batches.length).toBeLessThan(500);
  });
});

describe('a line that a collector refuses', () => {
  test('is left out once the next one is taken: told, counted, recorded and no finding; the others come in order', async () => {
    const site = new AuditSite();
    const sink = new FussySink();
    sink.dislikes = /shop\/w(?:7|300|301)"/u;
    await using audit = waiting(site, sink, 600);
    site.pass(60_000);
    await audit.end();
    expect(sink.decisions.filter(isIssued)).toHaveLength(597);
    expect(sink.lines.map(parsed).filter(({ decision }) => decision === 'undelivered')).toEqual([8, 301, 302].map((sequence) => expect.objectContaining({ of: 'issued', reason: 'it answered 400', line: expect.objectContaining({ sequence }) as object }) as object));
    expect(site.told.filter((line) => line.includes('left out'))).toHaveLength(3);
    const verdict = await site.verify(sink.lines);
    expect(verdict).toMatchObject({ findings: [], chains: [{ undelivered: 3, unsigned: 0, unanchored: 0 }] });
    // Its word covers these lines alone.
    expect((await site.verify(sink.lines.toSpliced(50, 1))).findings).toEqual([expect.objectContaining({ kind: 'removed' })]);
  });

  test('that is the last one waits for another; and where all are refused nothing is left out: the collector is down', async () => {
    const site = new AuditSite();
    const sink = new FussySink();
    sink.dislikes = /./u;
    await using audit = waiting(site, sink, 100);
    site.pass(600_000);
    expect(sink.lines).toEqual([]);
    expect(site.told.filter((line) => line.includes('cannot be written'))).toHaveLength(1);
    sink.dislikes = /shop\/wlast"/u;
    site.pass(60_000);
    audit.record(issued('last'));
    site.pass(60_000);
    expect(sink.decisions.filter(isIssued)).toHaveLength(100);
    audit.record(issued('behind it'));
    site.pass(60_000);
    expect(sink.decisions.slice(-2)).toContain('undelivered');
    await audit.end();
    expect((await site.verify(sink.lines)).findings).toEqual([]);
  });

  test('is said once, also where a collector dislikes to hear it', async () => {
    const site = new AuditSite();
    const sink = new FussySink();
    sink.dislikes = /shop\/w7"|"undelivered"/u;
    await using audit = waiting(site, sink, 20);
    site.pass(60_000);
    for (let index = 20; index < 40; index += 1) audit.record(issued(index));
    site.pass(60_000);
    expect(sink.decisions.filter(isIssued)).toHaveLength(39);
    expect(site.told.filter((line) => line.includes('left out'))).toHaveLength(2);
    await audit.end();
  });
});

describe('a folder for what waits', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'mtlsd-spool-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const kept = (): readonly string[] => readdirSync(folder).sort().flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line !== ''));

  test('has each line when record returns, for its owner alone, and nothing when nothing waits', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    {
      await using audit = site.start('mtlsd-0', { sink, spoolFolder: folder });
      audit.record(issued(1));
      expect(kept()).toEqual([]);
      sink.isDown = true;
      for (let index = 2; index < 5; index += 1) {
        audit.record(issued(index));
        expect(kept().at(-1)).toContain(`shop/w${index}"`);
      }
      for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
      sink.isDown = false;
      site.pass(60_000);
      expect(kept()).toEqual([]);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test('goes on after a kill: all of it comes, in order, with half a line left out, and the next chain is written behind it', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    const killed = site.start('mtlsd-0', { sink, spoolFolder: folder });
    killed.record(issued(0));
    sink.isDown = true;
    for (let index = 1; index < 3_000; index += 1) killed.record(issued(index));
    expect(readdirSync(folder).length).toBeGreaterThan(2);
    writeFileSync(join(folder, 'audit-000000000999.jsonl'), '{"audit":true,"chain":"mtlsd-0/x","deci');
    const before = sink.lines.length;
    sink.isDown = false;
    await using next = site.start('mtlsd-0', { sink, spoolFolder: folder });
    // Nothing has to happen for it: it goes as soon as the process is there.
    expect(sink.decisions.filter(isIssued)).toHaveLength(3_000);
    expect(site.told).toContain('the audit log goes on with what waited when the process before ended');
    next.record(issued('next'));
    expect(sink.lines.slice(3_001).map(parsed)).toEqual([expect.objectContaining({ decision: 'chain-started', follows: expect.objectContaining({ sequence: 3_000 }) as object }), expect.objectContaining({ object: 'WorkloadIdentity shop/wnext' })]);
    await next.end();
    expect(await site.verify(sink.lines)).toMatchObject({ findings: [], repeated: 0, chains: [{ unsigned: 0, unanchored: 0 }, {}] });
    for (const at of [before + 5, 3_000]) expect((await site.verify(sink.lines.toSpliced(at, 1))).findings.length).toBeGreaterThan(0);
  });

  test('comes twice at most by a file of it where the kill is behind the delivery, and that is no finding', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    const killed = site.start('mtlsd-0', { sink, spoolFolder: folder });
    sink.isDown = true;
    for (let index = 0; index < 100; index += 1) killed.record(issued(index));
    const lines = kept();
    sink.isDown = false;
    site.pass(60_000);
    writeFileSync(join(folder, 'audit-000000000999.jsonl'), lines.map((line) => `${line}\n`).join(''));
    await using next = site.start('mtlsd-0', { sink, spoolFolder: folder });
    next.record(issued('next'));
    await next.end();
    expect(await site.verify(sink.lines)).toMatchObject({ findings: [], repeated: lines.length });
  });

  test('that cannot be written is told once, and has everything that waits when it can', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    await using audit = site.start('mtlsd-0', { sink, spoolFolder: folder });
    rmSync(folder, { recursive: true });
    sink.isDown = true;
    // The file that is open is gone with the folder and takes what it gets; the next one cannot be made.
    for (let index = 0; index < 2_000; index += 1) audit.record(issued(index));
    expect(site.told.filter((line) => line.includes('what waits is lost if the process ends now'))).toHaveLength(1);
    sink.isDown = false;
    site.pass(60_000);
    expect(sink.decisions.filter(isIssued)).toHaveLength(2_000);
  });

  test('is refused at the start where it cannot be used', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => new AuditSite().start('mtlsd-0', { sink: new ScriptedSink(), spoolFolder: join(folder, 'file') })).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID', details: { option: '--audit-spool-dir' } }) as Error);
  });
});
