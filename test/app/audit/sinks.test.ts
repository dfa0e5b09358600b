import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileSink } from '../../../src/app/audit/file-sink.ts';
import { HttpSink } from '../../../src/app/audit/http-sink.ts';
import { auditDefaults, openAuditSettings } from '../../../src/app/audit/settings.ts';
import type { AuditRecord } from '../../../src/audit/index.ts';
import { rootAndPair } from '../root-and-pair.ts';
import { AuditSite, soon } from './audit-site.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'mtlsd-audit-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const issued = (index: number): AuditRecord => ({ decision: 'issued', object: `WorkloadIdentity shop/w${index}` });
const linesOf = (path: string): readonly string[] => readFileSync(path, 'utf8').trim().split('\n');

describe('a file', () => {
  const open = (bytesMax = 1_000_000, filesMax = 3): FileSink => new FileSink(join(folder, 'audit.jsonl'), { bytesMax, filesMax });

  test('has each line when record returns, for its owner alone, and the next process goes on behind it', async () => {
    const site = new AuditSite();
    for (const index of [1, 2]) {
      await using audit = site.start('standalone', { sink: open() });
      audit.record(issued(index));
      expect(linesOf(join(folder, 'audit.jsonl')).at(-1)).toContain(`shop/w${index}`);
    }
    expect(statSync(join(folder, 'audit.jsonl')).mode & 0o777).toBe(0o600);
    const lines = linesOf(join(folder, 'audit.jsonl'));
    expect(lines.filter((line) => line.includes('"follows":'))).toHaveLength(1);
    expect(await site.verify(lines)).toMatchObject({ findings: [], chains: [{ ended: true }, { ended: true }] });
  });

  test('L17: makes room, and what is left verifies, across rotations and restarts, as the log itself says what went', async () => {
    const site = new AuditSite();
    for (let run = 0; run < 4; run += 1) {
      await using audit = site.start('standalone', { sink: open(4_000) });
      for (let index = 0; index < 25; index += 1) audit.record(issued(index));
      site.pass(60_000);
    }
    const files = ['audit.jsonl.2', 'audit.jsonl.1', 'audit.jsonl'].map((name) => join(folder, name));
    expect(existsSync(join(folder, 'audit.jsonl.3'))).toBe(false);
    for (const file of files) expect(statSync(file).size).toBeLessThan(6_000);
    const kept = files.map(linesOf);
    const verdict = await site.verify(...kept);
    expect(verdict.findings).toEqual([]);
    expect(verdict.chains[0]?.droppedBefore).toBeGreaterThan(0);
    // What is gone is gone for all files: one that somebody takes away is still missed.
    for (const missing of [0, 1, 2]) expect((await site.verify(...kept.toSpliced(missing, 1))).findings.length, `without ${files[missing]}`).toBeGreaterThan(0);
    expect((await site.verify(...kept.with(0, kept[0]?.slice(2) ?? []))).findings.length).toBeGreaterThan(0);
  });

  test('loses the line that a crash has cut, and no other', async () => {
    const site = new AuditSite();
    const path = join(folder, 'audit.jsonl');
    {
      await using audit = site.start('standalone', { sink: open() });
      audit.record(issued(1));
    }
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, `${whole}{"audit":true,"chain":"standalone/x","deci`);
    {
      await using audit = site.start('standalone', { sink: open() });
      audit.record(issued(2));
    }
    expect(readFileSync(path, 'utf8').startsWith(`${whole}{"audit":true,"chain":"standalone/2026`)).toBe(true);
    expect((await site.verify(linesOf(path))).findings).toEqual([]);
  });

  test('of another program goes on in a line of its own', () => {
    writeFileSync(join(folder, 'audit.jsonl'), 'something else');
    open().deliver(['next']);
    expect(linesOf(join(folder, 'audit.jsonl'))).toEqual(['something else', 'next']);
  });

  test('that cannot be written is told once, and has everything when it can', async () => {
    const site = new AuditSite();
    const path = join(folder, 'missing', 'audit.jsonl');
    await using audit = site.start('standalone', { sink: new FileSink(path, { bytesMax: 1_000_000, filesMax: 2 }) });
    for (let index = 0; index < 3; index += 1) audit.record(issued(index));
    expect(site.told).toEqual(['the audit log cannot be written: what happens waits']);
    mkdirSync(join(folder, 'missing'));
    site.pass(60_000);
    expect(linesOf(path)).toHaveLength(4);
  });
});

describe('an HTTP endpoint', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse, batch: number) => void;
  const bodies: string[] = [];
  const tokens: (string | undefined)[] = [];
  let server: Server;

  /** A collector that takes lines, and answers as it is told. */
  async function collector(answer: Answer): Promise<string> {
    bodies.length = 0;
    tokens.length = 0;
    let batch = 0;
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        bodies.push(body);
        tokens.push(request.headers.authorization);
        answer(request, response, (batch += 1));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/audit`;
  }
  afterEach(() => server.close());

  const settings = async (sink: string, tokenFile?: string) => openAuditSettings({ ...auditDefaults, sink, tokenFile });

  test('is verified by the roots of the moment: one that is rotated is known as soon as its file has it', async () => {
    const [before, after] = [await rootAndPair(), await rootAndPair()];
    const taking = createTlsServer(before.pair, (request, response) => request.resume().on('end', () => response.writeHead(204).end()));
    server = taking;
    await new Promise<void>((resolve) => taking.listen(0, '127.0.0.1', resolve));
    const caFile = join(folder, 'ca.crt');
    writeFileSync(caFile, before.root);
    const sink = await HttpSink.open(new URL(`https://localhost:${(taking.address() as AddressInfo).port}/audit`), { caFile, tokenFile: undefined });
    await sink.deliver(['{}']);
    taking.setSecureContext(after.pair);
    taking.closeAllConnections();
    await expect(sink.deliver(['{}'])).rejects.toThrow(/certificate/u);
    writeFileSync(caFile, after.root);
    await sink.deliver(['{}']);
    sink.close();
  });

  test('gets every line at least once, in order, in batches, through refusals, redirects and a changed token', async () => {
    const site = new AuditSite();
    const token = join(folder, 'token');
    writeFileSync(token, 'first\n');
    const url = await collector((_request, response, batch) => {
      // The collector has it, and its answer is none that says so.
      if (batch === 2) response.writeHead(503).end();
      else if (batch === 3) response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
      else if (batch === 4) response.destroy();
      else response.writeHead(204).end();
    });
    const { sink } = await settings(url, token);
    await using audit = site.start('mtlsd-0', { sink });
    for (let index = 0; index < 1_200; index += 1) audit.record(issued(index));
    for (const batches of [2, 3, 4]) {
      await soon(() => expect(bodies.length).toBeGreaterThanOrEqual(batches));
      writeFileSync(`${token}.new`, 'second\n');
      renameSync(`${token}.new`, token);
      await soon(() => {
        site.pass(60_000);
        expect(bodies.length).toBeGreaterThan(batches);
      });
    }
    await audit.end();
    const lines = bodies.join('').trim().split('\n');
    const verdict = await site.verify(lines);
    expect(verdict).toMatchObject({ findings: [], chains: [{ lost: 0, unanchored: 0 }] });
    expect(verdict.repeated).toBeGreaterThan(499);
    expect(lines.filter((line) => line.includes('"decision":"issued"')).length - verdict.repeated).toBeLessThanOrEqual(1_200);
    expect(bodies.length).toBeLessThan(20);
    expect(new Set(tokens)).toEqual(new Set(['Bearer first', 'Bearer second']));
    expect(site.told.join()).not.toMatch(/first|second/u);
  });

  test('with a limit gets batches that fit, and a line that never does is left out', async () => {
    const site = new AuditSite();
    const url = await collector((_request, response) => response.writeHead((bodies.at(-1)?.length ?? 0) > 2_000 ? 413 : 204).end());
    const { sink } = await settings(url);
    await using audit = site.start('mtlsd-0', { sink });
    for (let index = 0; index < 40; index += 1) audit.record({ ...issued(index), ...(index === 20 ? { reason: 'x'.repeat(512), policy: 'x'.repeat(512), who: 'x'.repeat(512), spiffeId: 'x'.repeat(512) } : {}) });
    await audit.end();
    const lines = bodies.filter((body) => body.length <= 2_000).join('').trim().split('\n');
    expect(lines.filter((line) => line.includes('"decision":"issued"'))).toHaveLength(39);
    expect(await site.verify(lines)).toMatchObject({ findings: [], chains: [{ undelivered: 1, unanchored: 0 }] });
  });

  test.each([
    ['http://collector.example/audit', '--audit-sink'],
    ['ftp://collector.example/', '--audit-sink'],
    ['https://user:hunter2@collector.example/', '--audit-sink'],
    ['https://[', '--audit-sink'],
  ])('%s is refused', async (url, option) => {
    await collector(() => undefined);
    const refused = settings(url);
    await expect(refused).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID', details: { option } });
    await expect(refused).rejects.not.toThrow(/hunter2/u);
  });

  test('roots that cannot be read are refused at the start', async () => {
    await collector(() => undefined);
    await expect(openAuditSettings({ ...auditDefaults, sink: 'https://collector.example/', caFile: join(folder, 'none.pem') })).rejects.toMatchObject({ details: { option: '--audit-ca-file' } });
  });
});
