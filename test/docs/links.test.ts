/** No link leads nowhere, and every page is found from the README. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPages, resolveLink, root, type Link } from './pages.ts';

const pages = await readPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

function problemOf(link: Link): string | undefined {
  const { path, anchor } = resolveLink(link);
  const where = `${link.page}:${link.line}: ${link.target}`;
  if (path.startsWith('..') || !existsSync(join(root, path))) return `${where} leads to no file`;
  const page = byPath.get(path);
  if (anchor !== undefined && page !== undefined && !page.anchors.has(anchor)) return `${where} leads to no heading of ${path}`;
  return undefined;
}

test('every relative link leads to a file, and to a heading that is there', () => {
  const links = pages.flatMap((page) => page.links);
  expect(links.length).toBeGreaterThan(20);
  expect(links.map(problemOf).filter((problem) => problem !== undefined)).toEqual([]);
});

test('every page is reached from the README', () => {
  const reached = new Set<string>();
  const open = ['README.md'];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    open.push(...(byPath.get(path)?.links ?? []).map((link) => resolveLink(link).path));
  }
  expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});
