/** What others do to the file of an audit log, and disks that are full. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DescriptorSink } from '../../../src/app/audit/descriptor-sink.ts';
import { FileSink } from '../../../src/app/audit/file-sink.ts';
import type { AuditRecord } from '../../../src/audit/index.ts';
import { AuditSite, ScriptedSink } from './audit-site.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mtlsd-audit-'));
  path = join(folder, 'audit.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const issued = (index: number): AuditRecord => ({ decision: 'issued', object: `WorkloadIdentity shop/w${index}` });
const linesOf = (file: string): readonly string[] => readFileSync(file, 'utf8').trimEnd().split('\n');
const open = (bytesMax = 1_000_000): FileSink => new FileSink(path, { bytesMax, filesMax: 3 });

describe('a file that somebody', () => {
  test('moves is begun anew and told, and both parts together are whole', async () => {
    const site = new AuditSite();
    await using audit = site.start('standalone', { sink: open() });
    audit.record(issued(1));
    renameSync(path, `${path}-20260301`);
    audit.record(issued(2));
    audit.record(issued(3));
    expect(site.told).toEqual([expect.stringContaining('somebody moved the file')]);
    await audit.end();
    expect((await site.verify(linesOf(`${path}-20260301`), linesOf(path))).findings).toEqual([]);
    expect((await site.verify(linesOf(path))).findings).toEqual([expect.objectContaining({ kind: 'removed' })]);
  });

  test('removes is begun anew and told: the log misses what was in it, and nothing behind', async () => {
    const site = new AuditSite();
    await using audit = site.start('standalone', { sink: open() });
    audit.record(issued(1));
    unlinkSync(path);
    audit.record(issued(2));
    expect(site.told).toEqual([expect.stringContaining('somebody removed the file')]);
    await audit.end();
    expect((await site.verify(linesOf(path))).findings).toEqual([expect.objectContaining({ kind: 'removed', message: expect.stringContaining('lines 0 to 1 of') as string })]);
  });

  test('cuts in the middle of a line goes on behind the last whole one, and is told', async () => {
    const site = new AuditSite();
    await using audit = site.start('standalone', { sink: open() });
    for (let index = 1; index < 4; index += 1) audit.record(issued(index));
    truncateSync(path, statSync(path).size - 20);
    audit.record(issued(4));
    expect(site.told).toEqual([expect.stringContaining('somebody else cut the file')]);
    await audit.end();
    expect((await site.verify(linesOf(path))).findings).toEqual([expect.objectContaining({ kind: 'removed', message: expect.stringContaining('line 3 of') as string })]);
  });

  test('takes away with its folder waits, and has everything when the folder is back', async () => {
    const site = new AuditSite();
    mkdirSync(join(folder, 'log'));
    path = join(folder, 'log', 'audit.jsonl');
    await using audit = site.start('standalone', { sink: open() });
    audit.record(issued(1));
    renameSync(join(folder, 'log'), join(folder, 'elsewhere'));
    for (let index = 2; index < 10; index += 1) audit.record(issued(index));
    expect(site.told).toEqual([expect.stringContaining('somebody moved the file'), 'the audit log cannot be written: what happens waits']);
    renameSync(join(folder, 'elsewhere'), join(folder, 'log'));
    site.pass(60_000);
    await audit.end();
    expect((await site.verify(linesOf(path))).findings).toEqual([]);
  });

  test('hinders to make room waits, loses none of the older ones, and goes on', async () => {
    const site = new AuditSite();
    await using audit = site.start('standalone', { sink: open(2_000) });
    for (let index = 0; !existsSync(`${path}.1`); index += 1) audit.record(issued(index));
    const first = readFileSync(`${path}.1`);
    mkdirSync(join(`${path}.2`, 'not empty'), { recursive: true });
    for (let index = 0; index < 30; index += 1) audit.record(issued(100 + index));
    for (let minutes = 0; minutes < 5; minutes += 1) site.pass(60_000);
    expect(site.told).toContain('the audit log cannot be written: what happens waits');
    expect(readFileSync(`${path}.1`)).toEqual(first);
    rmSync(`${path}.2`, { recursive: true });
    site.pass(60_000);
    expect(linesOf(path).length).toBeGreaterThan(1);
    await audit.end();
    expect((await site.verify(...[`${path}.2`, `${path}.1`, path].filter(existsSync).map(linesOf))).findings).toEqual([]);
  });
});

const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

describe.skipIf(!mayMount)('a disk that is full', () => {
  beforeEach(() => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]));
  afterEach(() => execFileSync('umount', ['--lazy', folder]));

  test.each([
    ['of a file', () => open()],
    ['behind standard output', () => new DescriptorSink(openSync(path, 'a'))],
  ])('%s: what does not fit waits, is told, and comes when there is room, each line whole', async (_name, sink) => {
    const site = new AuditSite();
    writeFileSync(join(folder, 'somebody else'), Buffer.alloc(40 * 1024));
    await using audit = site.start('standalone', { sink: sink() });
    for (let index = 0; index < 300; index += 1) audit.record(issued(index));
    site.pass(60_000);
    expect(site.told).toEqual(['the audit log cannot be written: what happens waits']);
    rmSync(join(folder, 'somebody else'));
    // What is there takes most of it: the disk is made larger.
    execFileSync('mount', ['-o', 'remount,size=1m', folder]);
    site.pass(60_000);
    await audit.end();
    expect(await site.verify(linesOf(path))).toMatchObject({ findings: [], chains: [{ lost: 0 }] });
    expect(new Set(readFileSync(path, 'utf8').match(/shop\/w\d+"/gu))).toHaveProperty('size', 300);
  });

  test('of the folder in which lines wait: told, and they come all the same', async () => {
    const site = new AuditSite();
    const sink = new ScriptedSink();
    sink.isDown = true;
    await using audit = site.start('mtlsd-0', { sink, spoolFolder: join(folder, 'spool') });
    for (let index = 0; index < 500; index += 1) audit.record(issued(index));
    expect(site.told.filter((text) => text.includes('lost if the process ends now'))).toHaveLength(1);
    execFileSync('mount', ['-o', 'remount,size=1m', folder]);
    site.pass(1_000);
    audit.record(issued(500));
    expect(site.told).toContain('the folder in which the audit log waits is written again');
    // As after a kill: what waits is read by the next process.
    sink.isDown = false;
    await using next = site.start('mtlsd-0', { sink, spoolFolder: join(folder, 'spool') });
    next.record(issued(501));
    await next.end();
    expect(new Set(sink.lines.join('\n').match(/shop\/w\d+"/gu))).toHaveProperty('size', 502);
    expect((await site.verify(sink.lines)).findings).toEqual([]);
    site.pass(60_000);
  });
});
