/** Files are small, folders say what they are for, and the tools that hold the rest still see the code. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { root, trackedFiles } from './tracked.ts';

const files = (await trackedFiles()).filter(({ path }) => path.endsWith('.ts'));
const linesMax = 300;

/** Longer than they should be. A number may only go down, and a file that has come below the bound leaves the list. */
const longer: ReadonlyMap<string, number> = new Map([
  ['test/cluster/faults.test.ts', 416],
  ['test/cluster/kubernetes-store.test.ts', 342],
  ['test/contract/store-contract.ts', 425],
  ['test/resources/manifest-cases.ts', 388],
  ['test/store/directory/outputs.test.ts', 328],
  ['test/x509/certificate.test.ts', 336],
]);

const generated = /^src\/resources\/generated\//u;

/** Lines, blank ones and comments included. */
const linesOf = (text: string): number => text.replace(/\n$/u, '').split('\n').length;

describe('length', () => {
  test(`no file has more than ${linesMax} lines but those that had, and they do not grow`, () => {
    const tooLong = files.filter(({ path, text }) => !generated.test(path) && linesOf(text) > (longer.get(path) ?? linesMax));
    expect(tooLong.map(({ path, text }) => `${path}: ${linesOf(text)} lines`)).toEqual([]);
  });

  test.each([...longer])('%s is still that long: else lower its number, or take it off the list', (path, bound) => {
    const file = files.find((candidate) => candidate.path === path);
    expect(file, 'it is gone').toBeDefined();
    expect(linesOf(file?.text ?? '')).toBeGreaterThan(Math.max(linesMax, bound - 15));
  });
});

/** The file that a folder is entered by, where it is not index.ts. */
const mainFiles: ReadonlyMap<string, string> = new Map([
  ['src/app', 'standalone.ts'],
  ['src/cli', 'program.ts'],
  ['src/store', 'port.ts'],
]);
/** Folders whose main file does not open with a paragraph yet. */
const withoutParagraph: ReadonlySet<string> = new Set();

test('names say what is in a file', () => {
  const vague = /(?:^|\/)(?:utils?|helpers?|common|misc|shared|[\w-]*manager)(?:\/|\.\w+$)/iu;
  expect(vague.test('src/x509/utils.ts') && vague.test('src/helpers/a.ts') && vague.test('src/app/key-manager.ts')).toBe(true);
  expect(files.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
});

describe('folders of src', () => {
  const folders = [...new Set(files.filter(({ path }) => path.startsWith('src/')).map(({ path }) => path.split('/').slice(0, 2).join('/')))];
  const adapters = ['src/store/memory', 'src/store/directory', 'src/store/kubernetes'];

  test('are the ones that the architecture names', () => {
    expect(folders.map((folder) => folder.slice('src/'.length)).toSorted()).toEqual(
      ['app', 'audit', 'authority', 'cli', 'controllers', 'errors', 'injection', 'issuance', 'resources', 'rotation', 'server', 'spiffe', 'store', 'telemetry', 'tokens', 'x509'],
    );
  });

  test('are each told of on the page of the architecture', async () => {
    const page = await readFile(join(root, 'docs', 'internals', 'architecture.md'), 'utf8');
    expect([...page.matchAll(/^\| `(\w+)\/` \|/gmu)].map(([, folder]) => `src/${folder}`).toSorted()).toEqual(folders.toSorted());
  });

  test.each([...folders, ...adapters])('%s says what it is for', (folder) => {
    const main = files.find(({ path }) => path === `${folder}/${mainFiles.get(folder) ?? 'index.ts'}`);
    expect(main?.path, `a main file: index.ts, or one named in this test`).toBeDefined();
    // Before it defines or passes on anything; imports may stand before it.
    const opening = /^(?:import [^;]+;\s*)*\/\*\*(.+?)\*\/\n/su.exec(main?.text ?? '')?.[1]?.replaceAll(/[\s*]+/gu, ' ').trim() ?? '';
    const isParagraph = opening.length > 80;
    expect(isParagraph, `a paragraph of what it is for at the head of ${main?.path}; found: "${opening}"`).toBe(!withoutParagraph.has(folder));
  });
});

describe('tools', () => {
  test('the check of import directions reads the whole code', async () => {
    const { stdout } = await promisify(execFile)('depcruise', ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'], { cwd: root, maxBuffer: 2 ** 28 });
    const { modules } = JSON.parse(stdout) as { modules: readonly { readonly source: string; readonly dependencies: readonly unknown[] }[] };
    const read = new Map(modules.map((module) => [module.source, module.dependencies.length]));
    const unread = files.filter(({ path }) => path.startsWith('src/') && !path.endsWith('.d.ts') && !read.has(path)).map(({ path }) => path);
    expect(unread).toEqual([]);
    // Once it found the files and no import in them.
    expect(read.size).toBeGreaterThan(100);
    expect([...read.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(500);
    expect(read.get(join('src', 'cli', 'program.ts'))).toBeGreaterThan(3);
  });
});
