import { describe, expect, test } from 'vitest';
import { createLog, type LogFormat, type LogLevel } from '../../src/app/log.ts';
import { ManifestLog } from '../../src/app/manifest-log.ts';
import type { SourceProblem } from '../../src/store/directory/index.ts';

function logOf(options: { readonly format?: LogFormat; readonly level?: LogLevel; readonly colour?: boolean } = {}) {
  const lines: string[] = [];
  const log = createLog({ format: 'text', level: 'info', colour: false, ...options, write: (text) => void lines.push(text) });
  return { log, lines };
}

describe('the log', () => {
  test('writes sentences for people, with fields behind them', () => {
    const { log, lines } = logOf();
    log.info('issued', { object: 'WorkloadIdentity shop/cart', count: 2, list: ['a', 'b'], missing: undefined });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: issued {2}object=WorkloadIdentity shop\/cart {2}count=2 {2}list=\["a","b"\]\n$/u);
  });

  test('writes JSON for machines: one object a line, level as a word, time as RFC 3339, nothing of the machine', () => {
    const { log, lines } = logOf({ format: 'json' });
    log.warn('careful', { reason: 'Denied' });
    const record = JSON.parse(lines[0] ?? '') as { time: string };
    expect(record).toEqual({ level: 'warn', time: record.time, reason: 'Denied', msg: 'careful' });
    expect(new Date(record.time).toISOString()).toBe(record.time);
  });

  test.each([['debug', 4], ['info', 3], ['warn', 2], ['error', 1]] as const)('at level %s writes %i of four', (level, count) => {
    const { log, lines } = logOf({ level });
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each](each);
    expect(lines).toHaveLength(count);
  });

  test('is coloured on request alone', () => {
    const [plain, coloured] = [logOf(), logOf({ colour: true })];
    plain.log.error('x');
    coloured.log.error('x');
    expect(plain.lines[0]).not.toContain('\u001B');
    expect(coloured.lines[0]).toContain('\u001B');
  });
});

describe('problems of manifests in the log', () => {
  const problem = (parts: Partial<SourceProblem>): SourceProblem => ({ code: 'MANIFEST_INVALID', file: 'a.yaml', line: 3, object: 'WorkloadIdentity shop/cart', message: 'spec.ttl: Invalid value: "hunter2": no', remedy: 'r', ...parts });

  test('are told once each, and again when they change', () => {
    const { log, lines } = logOf();
    const manifests = new ManifestLog(log);
    manifests.tell([problem({})]);
    manifests.tell([problem({}), problem({ file: 'b.yaml' })]);
    manifests.tell([problem({ message: 'spec.dnsNames[0]: Invalid value: "x"' }), problem({ file: 'b.yaml' })]);
    manifests.tell([problem({ file: 'b.yaml' })]);
    expect(lines.map((line) => line.replace(/^\S+ /u, ''))).toEqual([
      expect.stringMatching(/^WARN: spec\.ttl: The object breaks a rule.*file=a\.yaml:3/u),
      expect.stringMatching(/^WARN: spec\.ttl: .*file=b\.yaml:3/u),
      expect.stringMatching(/^WARN: spec\.dnsNames\[0\]: .*file=a\.yaml:3/u),
      'INFO: nothing is wrong with a.yaml any more\n',
    ]);
  });

  test.each<[string, Partial<SourceProblem>]>([
    ['a value', {}],
    ['a key of a map', { message: 'spec.secretTemplate.labels.hunter2: Invalid value: "x"' }],
    ['an unknown field', { message: 'unknown field "spec.hunter2"' }],
    ['a kind', { code: 'MANIFEST_UNKNOWN', message: 'no matches for kind "hunter2"' }],
    ['broken text', { code: 'MANIFEST_SYNTAX', message: 'Unresolved alias: hunter2' }],
  ])('L26: %s stays out of it', (_, parts) => {
    const { log, lines } = logOf();
    new ManifestLog(log).tell([problem(parts)]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('hunter2');
  });
});
