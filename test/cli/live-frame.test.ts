import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Overview } from '../../src/app/overview/overview.ts';
import { liveFrame, type FrameInputs } from '../../src/cli/live-frame.ts';
import { overview, row } from './overviews.ts';

const place = { title: 'examples/shop → .mtlsd', hints: ({ name }: { readonly name: string }) => [[`bin/mtlsd inspect ${name}`, 'what is in it'], ['edit a file', 'Ctrl-C ends']] as const };
const news = Array.from({ length: 6 }, (_, index) => `\u001B[32m[01:02:0${index}.345] INFO\u001B[39m: news ${index}  object=WorkloadIdentity shop/cart  reason=Issued`);

function frame(shown: Overview, inputs: Partial<FrameInputs> = {}): readonly string[] {
  return stripVTControlCharacters(liveFrame(shown, { place, news, width: 100, height: 40, ...inputs })).split('\n');
}

const many = (count: number): Overview['identities'] => Array.from({ length: count }, (_, index) => row(`w${index}`, { ready: index !== count - 1 }));
const problem = { object: 'WorkloadIdentity shop/w0', reason: 'Denied', message: `spec.dnsNames[0]: ${'it is outside the policy '.repeat(8)}: use another name` };

describe('a frame of the live view', () => {
  test('has a title, the table with bars, the news as sentences, and what to try', () => {
    expect(frame(overview([row('cart')]))).toEqual([
      'mtlsd  shop.example  examples/shop → .mtlsd',
      '',
      'IDENTITY   SPIFFE ID                              ISSUER    LIFE LEFT             RENEWALS',
      'shop/cart  spiffe://shop.example/ns/shop/sa/cart  01234567  ██████░░░░░░ 30m 00s  3',
      '',
      ...news.map((_, index) => `01:02:0${index} news ${index}`),
      '',
      'Try, in another terminal:',
      '  bin/mtlsd inspect cart  # what is in it',
      '  edit a file  # Ctrl-C ends',
    ]);
  });

  test.each([
    [24, 5], [24, 60], [24, 1000], [40, 60], [10, 60], [6, 3], [2, 3],
  ])('never fills a terminal of %i lines, with %i identities and problems', (height, count) => {
    for (const problems of [[], [problem], Array.from({ length: 9 }, () => problem)]) {
      for (const width of [20, 79, 139]) {
        const lines = frame(overview(many(count), problems), { width, height });
        expect(lines.length).toBeLessThan(height);
        for (const line of lines.filter((each) => !each.includes(' LEFT') && !each.includes('shop/') && !each.startsWith('…'))) expect(line.length).toBeLessThanOrEqual(width);
      }
    }
  });

  test('shows those that are not ready first when not all fit, and how many it left out', () => {
    const lines = frame(overview(many(60)), { height: 24 });
    expect(lines[3]).toMatch(/^shop\/w59 /u);
    const shown = lines.filter((line) => line.startsWith('shop/')).length;
    expect(lines).toContain(`… and ${60 - shown} more; those that are not ready come first`);
  });

  test('gives up old news first, then hints', () => {
    const of = (height: number): string => frame(overview(many(5)), { height }).join('\n');
    expect([of(24).includes('news 0'), of(24).includes('Try')]).toEqual([true, true]);
    expect([of(18).includes('news 0'), of(18).includes('news 5'), of(18).includes('Try')]).toEqual([false, true, true]);
    expect([of(13).includes('news 5'), of(13).includes('Try')]).toEqual([true, false]);
  });

  test('tells what is wrong in whole lines, the first three, and how many more', () => {
    const text = frame(overview(many(2), Array.from({ length: 5 }, () => problem)), { width: 99 }).join('\n');
    expect(text).toContain('✗ WorkloadIdentity shop/w0: spec.dnsNames[0]: it is outside');
    expect(text).toContain(': use another name');
    expect(text.match(/✗/gu)).toHaveLength(3);
    expect(text).toContain('… and 2 more: mtlsd status');
  });

  test('never cuts a command: rather goes what it is good for, and then the command', () => {
    expect(frame(overview([row('cart')]), { width: 30 })).toContain('  bin/mtlsd inspect cart');
    expect(frame(overview([row('cart')]), { width: 20 }).join('\n')).not.toContain('bin/mtlsd');
  });

  test('says that nothing is there yet, and marks a trust domain that is not ready', () => {
    expect(frame({ trustDomains: [], rotations: [], identities: [], problems: [] }).join('\n')).toContain('mtlsd  no trust domain yet');
    const [domain] = overview([]).trustDomains;
    expect(frame({ trustDomains: domain === undefined ? [] : [{ ...domain, ready: false }], rotations: [], identities: [], problems: [] })[0]).toContain('shop.example (not ready)');
  });
});
