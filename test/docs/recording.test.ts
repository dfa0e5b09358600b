/** The recording shows what the terminal showed. */
import { expect, test } from 'vitest';
import { animatedSvg, type Picture } from '../../scripts/record/animated-svg.ts';
import { parseLine } from '../../scripts/record/styled-text.ts';

const picture: Picture = { columns: 40, rows: 2, title: 'a <title>', speed: 2, restMs: 1_000 };

test('a line is runs of one style, each at its column; a style goes on to the next line', () => {
  const { runs, end } = parseLine('ab  \u001B[1;32mcd e\u001B[0m\u001B[2m f');
  expect(runs.map(({ column, text, style }) => [column, text, style.colour, style.bold, style.dim])).toEqual([
    [0, 'ab', 'default', false, false],
    [4, 'cd e', 'green', true, false],
    [9, 'f', 'default', false, true],
  ]);
  expect(end.dim).toBe(true);
  expect(parseLine('g', end).runs[0]?.style.dim).toBe(true);
});

test('lines are drawn once, frames that show nothing new are left out, rows below the picture are cut', () => {
  const svg = animatedSvg(
    [
      { atMs: 0, lines: ['one', 'two', 'below'] },
      { atMs: 500, lines: ['one', 'two', 'changed below'] },
      { atMs: 1_000, lines: ['one', '██░ 5s & <more>'] },
    ],
    picture,
  );
  expect(svg.match(/>one</gu)).toHaveLength(1);
  expect(svg.match(/<g transform=/gu)).toHaveLength(2);
  expect(svg).not.toContain('below');
  expect(svg).toContain('5s &amp; &lt;more&gt;');
  expect(svg).toContain('<title>a &lt;title&gt;</title>');
  // 1 s at double speed, and a second of rest.
  expect(svg).toContain('animation:film 1.5s step-end infinite');
});

test('one frame is a picture that stands still', () => {
  expect(animatedSvg([{ atMs: 0, lines: ['one'] }], picture)).not.toContain('@keyframes');
});
