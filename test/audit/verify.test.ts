import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Chain, checkpointKeyId, hashOf, signCheckpoint, withHead, noHeads, encodeHeads, decodeHeads } from '../../src/audit/index.ts';
import { anchorOf, keyId, pemOf, privateKey, verify, written } from './samples.ts';

const one = written('mtlsd-0/a', 24, 10); // 0 start, 1-10, 11 checkpoint, 12-21, 22 checkpoint, 23-26
const two = written('mtlsd-1/b', 10, 10);
const anchor = anchorOf(one, two);
/** Lines up to the last checkpoint of `one`, which all must be there as they are. */
const held = 23;

/** `lines` with some at `at` replaced. */
const spliced = (lines: readonly string[], at: number, count: number, ...instead: readonly string[]): string[] => lines.toSpliced(at, count, ...instead);

describe('what was written verifies', () => {
  test('with how many lines at the end are neither signed nor anchored yet', () => {
    const verdict = verify([one.lines, two.lines], anchor);
    expect(verdict.findings).toEqual([]);
    expect(verdict.chains).toEqual([
      { chain: 'mtlsd-0/a', lines: 27, from: '2027-01-15T08:00:00.000Z', to: '2027-01-15T08:00:24.000Z', unsigned: 4, unanchored: 4, checkpoints: 2, ended: false, lost: 0, droppedBefore: 0, undelivered: 0 },
      expect.objectContaining({ chain: 'mtlsd-1/b', lines: 12, unsigned: 0, unanchored: 0 }),
    ]);
  });

  test('without an anchor nothing counts as anchored, without keys nothing as signed', () => {
    expect(verify([one.lines]).chains[0]).toMatchObject({ unsigned: 4, unanchored: 27 });
    expect(verify([one.lines], undefined, { keys: undefined }).chains[0]).toMatchObject({ unsigned: 27, unanchored: 27 });
  });

  test('whatever order files have, whatever stands before a line, with lines of other things, and twice where a collector sent again', () => {
    const [head, tail] = [one.lines.slice(0, 9), one.lines.slice(9)];
    const collected = tail.map((line) => `2027-01-15T08:00:00.1Z stdout F ${line}`);
    const verdict = verify([collected, ['{"level":"info","msg":"caches are filled"}', ...head, ...two.lines, '', ...head.slice(4)]], anchor);
    expect(verdict).toMatchObject({ findings: [], otherLines: 2, repeated: 5 });
  });

  test('by sha256sum alone: each line bears the hash of the one before', () => {
    for (const [index, line] of one.lines.entries()) {
      if (index > 0) expect((JSON.parse(line) as { previous: string }).previous).toBe(hashOf(one.lines[index - 1] ?? ''));
    }
  });
});

describe('each single edit of a line is found', () => {
  test.each(one.lines.slice(0, held).map((_, index) => index))('line %i: removed, changed, swapped, replaced, duplicated with a change', (at) => {
    const line = one.lines[at] ?? '';
    const next = one.lines[at + 1] ?? '';
    const edits: readonly (readonly [string, readonly string[]])[] = [
      ['removed', spliced(one.lines, at, 1)],
      ['a byte changed', spliced(one.lines, at, 1, line.replace(/Z"/u, '0Z"'))],
      ['white space', spliced(one.lines, at, 1, line.replace('"chain":', '"chain": '))],
      ['sequence', spliced(one.lines, at, 1, line.replace(/"sequence":\d+/u, '"sequence":1000'))],
      ['another chain', spliced(one.lines, at, 1, line.replace('mtlsd-0/a', 'mtlsd-9/z'))],
      ['cut', spliced(one.lines, at, 1, line.slice(0, -5))],
      ['emptied', spliced(one.lines, at, 1, '')],
      ['moved to the end', [...spliced(one.lines, at, 1), line]],
      ['swapped with the next', spliced(one.lines, at, 2, next, line)],
      ['a second one of its sequence', spliced(one.lines, at, 0, line.replace(/Z"/u, '1Z"'))],
    ];
    for (const [name, lines] of edits) expect(verify([lines, two.lines], anchor).findings.length, name).toBeGreaterThan(0);
  });

  test.each([
    ['removed', spliced(one.lines, 5, 1), 'removed', 'line 5 of mtlsd-0/a is missing between file0:5 and file0:6'],
    ['changed', spliced(one.lines, 5, 1, (one.lines[5] ?? '').replace('shop/w5', 'shop/w6')), 'changed', 'file0:6 (sequence 5) is not the line that file0:7 was written behind: one of the two was changed'],
    ['reordered', spliced(one.lines, 5, 2, one.lines[6] ?? '', one.lines[5] ?? ''), 'reordered', 'file0:7 (sequence 5) stands behind file0:6 (sequence 6), which was written later'],
    ['cut', one.lines.slice(0, 20), 'cut', 'lines 20 to 22 of mtlsd-0/a are missing behind file0:20: it is anchored up to 2027-01-15T08:00:20.000Z'],
    ['beheaded', one.lines.slice(3), 'removed', 'lines 0 to 2 of mtlsd-0/a are missing before file0:1'],
  ])('and named: %s', (_name, lines, kind, message) => {
    expect(verify([lines, two.lines], anchor).findings).toEqual([expect.objectContaining({ kind, message })]);
  });

  test('a tail that is cut behind what is anchored cannot be found: it is what the verdict calls unanchored', () => {
    expect(verify([one.lines.slice(0, held), two.lines], anchor)).toMatchObject({ findings: [], chains: [{ unanchored: 0 }, {}] });
  });

  test('random edits, any number: found, or in the unanchored end alone', () => {
    const edit = fc.record({ kind: fc.constantFrom('remove', 'change', 'move', 'insert'), at: fc.nat(one.lines.length - 1), to: fc.nat(one.lines.length - 1), character: fc.nat(1000) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const lines = [...one.lines];
        for (const { kind, at, to, character } of edits) {
          const line = lines[at % lines.length] ?? '';
          const changed = `${line.slice(0, character % line.length)}~${line.slice((character % line.length) + 1)}`;
          if (kind === 'remove' || kind === 'move') lines.splice(at % lines.length, 1);
          if (kind === 'change') lines.splice(at % lines.length, 1, changed);
          if (kind === 'move') lines.splice(to, 0, line);
          if (kind === 'insert') lines.splice(to, 0, changed);
        }
        // What does not begin as a line of this chain is none of it: an invented chain is one that is neither signed nor anchored.
        const theirs = lines.filter((line) => line.startsWith('{"audit":true,"chain":"mtlsd-0/a"'));
        const isHeld = one.lines.slice(0, held).every((line, index) => theirs[index] === line);
        const { findings } = verify([lines, two.lines], anchor);
        // Where the held part is whole, what is behind it may have been cut without a trace.
        return isHeld || findings.length > 0;
      }),
      { numRuns: 500 },
    );
  });
});

describe('whole chains', () => {
  test('a replica whose lines are missing is named by the anchor', () => {
    expect(verify([one.lines], anchor).findings).toEqual([{ kind: 'missing', chain: 'mtlsd-1/b', message: 'mtlsd-1/b is missing: it is anchored with 12 lines, up to 2027-01-15T08:00:10.000Z' }]);
  });

  test('one that a later one was written behind is missed without an anchor, whole, cut or changed', () => {
    const head = one.chain.head;
    const later = written('mtlsd-0/c', 3, 3, { follows: head });
    expect(verify([one.lines, later.lines]).findings).toEqual([]);
    expect(verify([later.lines]).findings).toEqual([expect.objectContaining({ kind: 'missing', chain: 'mtlsd-0/a' })]);
    expect(verify([one.lines.slice(0, -2), later.lines]).findings).toEqual([expect.objectContaining({ kind: 'cut', message: expect.stringContaining('lines 25 to 26') as string })]);
    const changed = spliced(one.lines, one.lines.length - 1, 1, (one.lines.at(-1) ?? '').replace('shop/w24', 'shop/w42'));
    expect(verify([changed, later.lines]).findings).toEqual([expect.objectContaining({ kind: 'changed' })]);
  });

  test('made anew by somebody without the key: forged', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forged = new Chain('mtlsd-0/a');
    const lines = [forged.next({ decision: 'chain-started' }, 0), forged.next({ decision: 'issued' }, 0), signCheckpoint(forged, { keyId, privateKey: other.privateKey }, 0)];
    expect(verify([lines]).findings).toEqual([expect.objectContaining({ kind: 'forged', message: expect.stringContaining('does not hold') as string })]);
    const own = new Chain('mtlsd-0/a');
    const signed = [own.next({ decision: 'chain-started' }, 0), signCheckpoint(own, { keyId: checkpointKeyId(other.publicKey), privateKey: other.privateKey }, 0)];
    expect(verify([signed]).findings).toEqual([expect.objectContaining({ kind: 'forged', message: expect.stringContaining('none of the keys that are trusted') as string })]);
    expect(verify([signed], undefined, { keys: new Map([[checkpointKeyId(other.publicKey), pemOf(other.publicKey)]]) }).findings).toEqual([]);
  });

  test('an anchor that somebody wrote is not believed', () => {
    const forged = (two.checkpoints[0] ?? '').replace(/"previous":"./u, '"previous":"x');
    expect(verify([one.lines, two.lines], withHead(anchorOf(one), forged)).findings.map(({ kind }) => kind)).toEqual(['changed', 'forged']);
    expect(verify([one.lines], { heads: [...anchorOf(one).heads, 'nonsense'], forgotten: undefined }).findings).toEqual([expect.objectContaining({ kind: 'forged' })]);
  });
});

describe('what a sink did', () => {
  /** The chain without its line 5, which a line of the log says was refused, signed or not. */
  const refused = (signed: boolean, hash = hashOf(one.lines[5] ?? '')): readonly string[] => {
    const chain = new Chain('mtlsd-0/d');
    const lines = [chain.next({ decision: 'chain-started' }, 0), chain.next({ decision: 'undelivered', line: { chain: 'mtlsd-0/a', sequence: 5, hash }, of: 'issued', reason: 'it answered 413' }, 0)];
    return signed ? [...lines, signCheckpoint(chain, { keyId, privateKey }, 0)] : lines;
  };

  test('a line that it refused is no finding where the log says so, signed, of that very line; and none beside it', () => {
    const without = spliced(one.lines, 5, 1);
    expect(verify([without, refused(true)])).toMatchObject({ findings: [], chains: [{ undelivered: 1 }, {}] });
    expect(verify([without, refused(false)]).findings).toEqual([expect.objectContaining({ kind: 'removed' })]);
    expect(verify([without, refused(true, hashOf('another'))]).findings).toEqual([expect.objectContaining({ kind: 'removed' })]);
    for (const also of [4, 6]) expect(verify([one.lines.filter((_, index) => index !== 5 && index !== also), refused(true)]).findings, `line ${also}`).toEqual([expect.objectContaining({ kind: 'removed' })]);
  });

  test('a line that was cut is none where it stands whole behind, as on a disk that was full; elsewhere it is', () => {
    const cut = one.lines[5]?.slice(0, 100) ?? '';
    expect(verify([spliced(one.lines, 5, 0, cut, cut.slice(0, 50))])).toMatchObject({ findings: [], repeated: 2 });
    expect(verify([spliced(one.lines, 6, 0, cut)]).findings).toEqual([expect.objectContaining({ kind: 'unreadable', line: 7 })]);
    expect(verify([spliced(one.lines, 5, 1, cut)]).findings.map(({ kind }) => kind)).toEqual(['unreadable', 'removed']);
  });

  test('what a killed process left unsigned is signed and anchored by the one that was written behind it', () => {
    const later = written('mtlsd-0/c', 3, 3, { follows: one.chain.head });
    expect(verify([one.lines, later.lines], anchorOf(one, later))).toMatchObject({ findings: [], chains: [{ unsigned: 0, unanchored: 0 }, { unsigned: 0, unanchored: 0 }] });
    const unsigned = written('mtlsd-0/c', 3, 4, { follows: one.chain.head });
    expect(verify([one.lines, unsigned.lines], anchorOf(one))).toMatchObject({ findings: [], chains: [{ unsigned: 4, unanchored: 4 }, { unsigned: 4, unanchored: 4 }] });
  });
});

describe('what makes room', () => {
  /** A chain of the same replica that says that everything before line 5 of `one` is gone. */
  const says = (signed: boolean): readonly string[] => {
    const chain = new Chain('mtlsd-0/d');
    const lines = [chain.next({ decision: 'chain-started' }, 0), chain.next({ decision: 'dropped', through: { chain: 'mtlsd-0/a', sequence: 4, time: '2027-01-15T08:00:05.000Z' } }, 0)];
    return signed ? [...lines, signCheckpoint(chain, { keyId, privateKey }, 0)] : lines;
  };

  test('a beginning that the log says it dropped is no finding; anything more is, and so is the word of an unsigned line', () => {
    expect(verify([one.lines.slice(5), says(true)]).findings).toEqual([]);
    expect(verify([one.lines.slice(6), says(true)]).findings).toEqual([expect.objectContaining({ kind: 'removed' })]);
    expect(verify([one.lines.slice(5), says(false)]).findings).toEqual([expect.objectContaining({ kind: 'removed' })]);
    expect(verify([one.lines.slice(5)], undefined, { recent: true }).findings).toEqual([]);
  });

  test('a chain of that replica that had ended before is no finding when it is missing; one of another replica is', () => {
    const before = written('mtlsd-0/0', 2, 2);
    expect(verify([one.lines.slice(5), says(true)], anchorOf(before, one)).findings).toEqual([]);
    const elsewhere = written('mtlsd-7/0', 2, 2);
    expect(verify([one.lines.slice(5), says(true)], anchorOf(elsewhere, one)).findings).toEqual([expect.objectContaining({ kind: 'missing', chain: 'mtlsd-7/0' })]);
  });

  test('an anchor is bounded and says how many chains it does not know any more', () => {
    const all = Array.from({ length: 70 }, (_, index) => written(`mtlsd-${index}/x`, 1, 1));
    const heads = all.reduce((known, { checkpoints }) => withHead(known, checkpoints[0] ?? ''), noHeads);
    expect(heads.heads).toHaveLength(64);
    expect(heads.forgotten).toEqual({ count: 6, until: '2027-01-15T08:00:01.000Z' });
    expect(decodeHeads(encodeHeads(heads))).toEqual(heads);
    expect(verify(all.map(({ lines }) => lines), heads)).toMatchObject({ findings: [], forgotten: { count: 6 } });
  });

  test.each(['', 'null', '[]', '{"format":"mtlsd-audit-heads/1"}', '{"format":"mtlsd-audit-heads/1","heads":[1]}', '{"format":"other","heads":[]}'])('%s is no anchor', (text) => {
    expect(decodeHeads(text)).toBeUndefined();
  });
});
