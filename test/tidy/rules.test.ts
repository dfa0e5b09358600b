/** The rules of the house, over every file that git tracks. */
import { describe, expect, test } from 'vitest';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lineRules } from './rules.ts';
import { places, root, trackedFiles } from './tracked.ts';

const files = await trackedFiles();

test('there are files to look at', () => expect(files.length).toBeGreaterThan(300));

describe.each(lineRules)('$name', ({ pattern, files: concerned, breaks }) => {
  test('holds', () => expect(places(files.filter(({ path }) => concerned.test(path)), pattern)).toEqual([]));
  test('would be seen to be broken', () => expect(pattern.test(breaks)).toBe(true));
});

test('the lock file names no place that packages come from', async () => {
  const lock = await readFile(join(root, 'package-lock.json'), 'utf8');
  expect(lock).toContain('"integrity"');
  expect(lock).not.toContain('"resolved"');
});

/** Packages of which the daemon carries two versions, because those that need them do not agree. May only shrink. */
const twice = ['fast-uri', 'sonic-boom', 'tslib'];

test('the daemon carries one version of each package, but for those that are known', async () => {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version?: string; dev?: boolean }> };
  const versions = new Map<string, Set<string>>();
  for (const [path, { version, dev }] of Object.entries(lock.packages)) {
    if (path === '' || dev === true || version === undefined) continue;
    const name = path.split('node_modules/').at(-1) ?? path;
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  expect(versions.size).toBeGreaterThan(50);
  expect([...versions].flatMap(([name, found]) => (found.size > 1 ? [name] : [])).toSorted()).toEqual(twice);
});

test('a package that runs a script when it is installed is one that we chose', async () => {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { hasInstallScript?: boolean }> };
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { allowScripts: Record<string, boolean> };
  const withScript = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript === true);
  const names = withScript.map(([path]) => path.split('node_modules/').at(-1) ?? path);
  // What is not allowed does not run: fsevents, of macOS alone, is there for vitest and works without.
  expect(names.filter((name) => name !== 'fsevents').toSorted()).toEqual(Object.keys(manifest.allowScripts).toSorted());
});
