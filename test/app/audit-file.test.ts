import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditFile } from '../../src/app/audit-file.ts';
import type { Log } from '../../src/telemetry/index.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'mtlsd-audit-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const errors: string[] = [];
const log: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (message) => void errors.push(message) };
const clock = { nowMs: () => 1_800_000_000_000, schedule: () => () => undefined };
const open = (path: string, bytesMax?: number): AuditFile => new AuditFile(path, { clock, log, ...(bytesMax === undefined ? {} : { bytesMax }) });
const linesOf = (path: string): readonly { object: string; time: string }[] => readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { object: string; time: string });

describe('the audit file', () => {
  test('has each record as a line when record returns, for its owner alone, and goes on after a restart', () => {
    const path = join(folder, 'audit.jsonl');
    for (const object of ['first', 'second']) {
      using audit = open(path);
      audit.record({ decision: 'issued', object });
      expect(linesOf(path).at(-1)).toEqual({ time: '2027-01-15T08:00:00.000Z', decision: 'issued', object });
    }
    expect(linesOf(path).map(({ object }) => object)).toEqual(['first', 'second']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('L17: is bounded: one file and the one before it, however many records', () => {
    const path = join(folder, 'audit.jsonl');
    using audit = open(path, 1_000);
    for (let index = 0; index < 200; index += 1) audit.record({ decision: 'renewed', object: `w${index}` });
    expect(statSync(path).size + statSync(`${path}.1`).size).toBeLessThan(2_300);
    expect([...linesOf(`${path}.1`), ...linesOf(path)].map(({ object }) => object).at(-1)).toBe('w199');
    expect(existsSync(`${path}.2`)).toBe(false);
  });

  test('begins a line of its own after one that a crash or a full disk has cut', () => {
    const path = join(folder, 'audit.jsonl');
    writeFileSync(path, '{"decision":"issu');
    using audit = open(path);
    audit.record({ decision: 'issued', object: 'next' });
    expect(readFileSync(path, 'utf8').split('\n')[1]).toContain('"next"');
  });

  test('tells once that it cannot be written, never throws, and writes again when it can', () => {
    const path = join(folder, 'missing', 'audit.jsonl');
    using audit = open(path);
    errors.length = 0;
    for (let index = 0; index < 3; index += 1) audit.record({ decision: 'issued', object: 'lost' });
    expect(errors).toEqual([expect.stringContaining('the audit log cannot be written, records are lost: ENOENT')]);
    mkdirSync(join(folder, 'missing'));
    audit.record({ decision: 'issued', object: 'there' });
    expect(linesOf(path).map(({ object }) => object)).toEqual(['there']);
  });
});
