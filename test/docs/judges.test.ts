/** What judges the pages must be able to say no. */
import { describe, expect, test } from 'vitest';
import { difference, missingLines, steady } from './match-output.ts';
import { parsePage } from './pages.ts';
import { steps } from './reader.ts';

describe('output', () => {
  test.each([
    ['valid until 2026-11-25T10:02:53Z (1m 54s)', 'valid until 2027-01-01T00:00:00Z (59s)'],
    ['root  active  96ae2faa  until 2026-12-25T01:34:53Z', 'root  active  0fff451c  until 2030-12-25T01:34:53Z'],
    ['shop/cart  ████████░░░░ 1m 27s  0', 'shop/cart  ████████████ 57s     0'],
  ])('differs from run to run and is the same: %s', (page, printed) => expect(difference(page, printed)).toBeUndefined());

  test.each([
    ['valid  tls.crt', 'refused  tls.crt'],
    ['one\ntwo', 'one'],
    ['one', 'one\ntwo'],
    ['5 of 5 identities are ready', '4 of 5 identities are ready'],
    ['one\n…\nfour', 'one\ntwo\nthree'],
    ['', 'something'],
  ])('is different: %j and %j', (page, printed) => expect(difference(page, printed)).toBeDefined());

  test('a line … stands for any lines', () => {
    expect(difference('one\n…\nfour', 'one\ntwo\nthree\nfour')).toBeUndefined();
    expect(difference('one\n…', 'one\ntwo\nthree')).toBeUndefined();
    expect(difference('…\ntwo', 'one\ntwo')).toBeUndefined();
  });

  test('words stay as they are', () => expect(steady('deadbeef is an ID, decade is none, 42 neither')).toBe('deadbeef is an ID, decade is none, 42 neither'));

  test('what runs on has printed a line or has not', () => expect(missingLines('one\ntwo', 'two\nthree')).toEqual(['one']));
});

describe('pages', () => {
  test('commands end where their output begins, and go on behind a backslash', () => {
    expect(steps({ page: 'p.md', line: 1, text: '$ one\nout\n$ two \\\n  more\n$ three' })).toEqual([
      { command: 'one', output: 'out' },
      { command: 'two \\\n  more', output: '' },
      { command: 'three', output: '' },
    ]);
  });

  test('links in code and in blocks are no links, headings make anchors', () => {
    const page = parsePage('docs/p.md', '# A `b`, c\n[x](y.md#z) `[n](o)`\n```text\n[m](q)\n```\n[w](https://example.org)');
    expect(page.links).toEqual([{ page: 'docs/p.md', line: 2, target: 'y.md#z' }]);
    expect([...page.anchors]).toEqual(['a-b-c']);
    expect(page.blocks).toMatchObject([{ line: 3, language: 'text', text: '[m](q)' }]);
  });

  test('a fence that is never closed is an error', () => expect(() => parsePage('p.md', '```sh\nls')).toThrow(/never closed/u));
});
