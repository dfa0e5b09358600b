/** `mtlsd audit verify` as an auditor uses it: what somebody did to the files is said in words, with what to do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { encodeHeads, hashOf } from '../../src/audit/index.ts';
import { anchorOf, pem, written } from '../audit/samples.ts';
import { captured } from './captured.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtlsd-audit-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const one = written('mtlsd-0/a', 24, 24);
const two = written('mtlsd-1/b', 10, 10);
/** As that of a gateway: no checkpoint. */
const gateway = written('gateway-7f/c', 5, 6);
const put = (name: string, lines: readonly string[]): string => {
  writeFileSync(at(name), lines.map((line) => `${line}\n`).join(''));
  return at(name);
};
const [a, b] = [put('a.jsonl', one.lines), put('b.jsonl', two.lines)];
writeFileSync(at('heads.json'), encodeHeads(anchorOf(one, two)));
writeFileSync(at('keys.pem'), pem);
const known = ['--anchor', at('heads.json'), '--key', at('keys.pem')];
const verify = async (...args: readonly string[]) => captured(['audit', 'verify', ...args]);

test('what is whole is said to be, of plain and of compressed files, and one that is empty after a rotation is none the worse', async () => {
  writeFileSync(at('b.jsonl.1.gz'), gzipSync(two.lines.slice(0, 6).map((line) => `${line}\n`).join('')));
  put('empty.jsonl', []);
  const { stdout, status } = await verify(a, at('b.jsonl.1.gz'), put('b2.jsonl', two.lines.slice(6)), at('empty.jsonl'), ...known);
  expect(stdout).toContain('✓ 38 lines are as written: none removed, changed or reordered');
  expect(status).toBe(0);
});

test.each<[string, readonly string[], readonly string[]]>([
  ['a removed line', one.lines.toSpliced(5, 1), ['removed: line 5 of mtlsd-0/a is missing between', 'may lie in a file that you did not give', 'compare these places with a copy']],
  ['a changed line', one.lines.with(5, one.lines[5]?.replace('w5', 'w6') ?? ''), ['changed: ', 'x.jsonl:6 (sequence 5)', 'compare these places']],
  ['swapped lines', one.lines.toSpliced(5, 2, one.lines[6] ?? '', one.lines[5] ?? ''), ['reordered: ', 'x.jsonl:7 (sequence 5) stands behind']],
  ['a cut tail', one.lines.slice(0, 20), ['cut: lines 20 to 25 of mtlsd-0/a are missing behind', 'may lie in a file']],
  ['lines that a collector wrote anew', one.lines.map((line) => JSON.stringify({ log: line })), ['unreadable: 26 lines of', 'x.jsonl:1, were written anew', 'byte by byte', 'missing: mtlsd-0/a']],
])('%s is found, with what to do', async (_name, lines, sentences) => {
  const { stdout, status } = await verify(put('x.jsonl', lines), b, ...known);
  for (const sentence of sentences) expect(stdout).toContain(sentence);
  expect(status).toBe(1);
});

test('a replica whose file is not given is named', async () => {
  const { stdout, status } = await verify(a, ...known);
  expect(stdout).toContain('missing: mtlsd-1/b is missing: it is anchored with 12 lines');
  expect(status).toBe(1);
});

test('a chain that nobody signed is not called whole: what can be seen of it is said', async () => {
  const { stdout, status } = await verify(a, b, put('gateway.jsonl', gateway.lines), ...known);
  expect(stdout).toContain('✓ 38 of 44 lines are signed and as written');
  expect(stdout).toContain('gateway-7f/c (6 lines) has no signature, as that of mtlsd gateway');
  expect(stdout).toContain('a tail that was cut is not seen, nor that such a file is missing');
  expect(status).toBe(0);
  expect((await verify(at('gateway.jsonl'))).stdout).toMatch(/^✓ 6 lines fit together: none removed in the middle, changed or reordered, unless/u);
});

test('what is not kept and what was not asked for are two things', async () => {
  const recent = await verify(put('tail.jsonl', one.lines.slice(20)), b, ...known, '--recent');
  expect(recent.stdout).toContain('The first 20 lines of mtlsd-0/a are not in these files, which --recent allows');
  const missing = await verify(at('tail.jsonl'), b, ...known);
  expect(missing.stdout).toContain('removed: lines 0 to 19');
  expect(missing.stdout).not.toContain('The first 20 lines');
});

test('what a sink refused is told', async () => {
  const { chain } = written('mtlsd-2/d', 0, 1);
  const start = { chain: chain.head?.chain, sequence: 0, hash: hashOf('x') };
  const lines = [chain.next({ decision: 'undelivered', line: start, of: 'chain-started', reason: 'it answered 413' }, 0)];
  expect((await verify(a, b, put('refused.jsonl', lines), ...known)).stdout).toContain('1 line was refused by the sink for good');
});

test.each([
  ['nothing at all', () => put('nothing.jsonl', []), 'there is nothing in it'],
  ['what begins as if it were compressed', () => (writeFileSync(at('broken.gz'), Buffer.from([0x1f, 0x8b, 1, 2])), at('broken.gz')), 'cannot be decompressed'],
])('%s is refused', async (_name, file, sentence) => {
  expect((await verify(file())).error).toContain(sentence);
});
