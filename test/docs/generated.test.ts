/** Generated pages are what their sources say today. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generatedFiles } from '../../scripts/generate/outputs.ts';
import { referencePages } from '../../scripts/reference/pages.ts';
import { root } from './pages.ts';

const files = [...(await generatedFiles(root)), ...(await referencePages())];

test.each(files)('%s is current (npm run generate)', async (path, text) => expect(await readFile(join(root, path), 'utf8')).toBe(text));

test('the recording is there, of a real run, and small', async () => {
  const svg = await readFile(join(root, 'docs', 'media', 'first-light.svg'), 'utf8');
  expect(svg.length).toBeLessThan(150 * 1024);
  expect(svg).toContain('spiffe://shop.example/ns/shop/sa/checkout');
  expect(svg).not.toMatch(/<script|href="http/u);
});
