/** Every command and manifest in README.md and docs/, done in the order in which a reader meets it. */
import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readApiConfiguration } from '../../src/app/api/config.ts';
import { readGatewayConfiguration } from '../../src/app/gateway/configuration.ts';
import { validateManifest } from '../../src/resources/index.ts';
import { readPages, root, type Block } from './pages.ts';
import { Reader, steps } from './reader.ts';

const pages = await readPages();
const blocks = pages.flatMap((page) => page.blocks);

/** Pages that are followed from top to bottom in a cluster, by a test of their own there. */
const followedInCluster = new Map([['docs/operate/install.md', 'test/cluster/chart-docs.test.ts']]);

/** Pages whose code is compiled and run across renewals, by tests of their own: test/clients. */
const isClientPage = ({ page }: Block): boolean => page.startsWith('docs/clients/');
/** The one client page that nothing runs, because nothing here can; it says so itself. */
const notRun = 'docs/clients/envoy.md';

const languages = ['console', 'sh', 'yaml', 'text'];
const knownWords = /^(?:background|cluster|fails|fragment|file=[\w./-]+)$/u;

function isFollowed(block: Block): boolean {
  return !block.words.includes('cluster') && !followedInCluster.has(block.page) && !isClientPage(block) && block.language !== 'text';
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('!!! openssl is missing: pages that shake hands with it are not followed.');
const lacksTool = (page: (typeof pages)[number]): boolean => !hasOpenssl && page.blocks.some((block) => isFollowed(block) && block.text.includes('openssl '));

describe('what a reader is told to do', () => {
  for (const page of pages.filter(({ blocks: own }) => own.some((block) => isFollowed(block) && block.language !== 'yaml'))) {
    // Runbooks wait for most of their time, in folders of their own: side by side.
    const concurrent = page.path.startsWith('docs/operate/');
    test.skipIf(lacksTool(page))(`${page.path} works, and prints what it shows`, { concurrent }, async () => {
      await using reader = await Reader.sitDown();
      for (const block of page.blocks.filter(isFollowed)) await reader.follow(block);
    });
  }

  test.each([...followedInCluster])('%s is followed by %s', async (page, file) => {
    expect(await readFile(join(root, file), 'utf8')).toContain(page.split('/').at(-1));
  });

  const clientPages = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/clients/') && path !== notRun);
  test.each(clientPages)('%s is run by the tests of clients', async (page) => {
    // The tests take the page's code by the page's name: `go` for go.md.
    const name = page.slice('docs/clients/'.length, -'.md'.length);
    const tests = (await readdir(join(root, 'test/clients'))).filter((file) => file.endsWith('.ts'));
    const texts = await Promise.all(tests.map(async (file) => readFile(join(root, 'test/clients', file), 'utf8')));
    expect(texts.some((text) => text.includes(`'${name}'`) || text.includes(`'${name}.md'`))).toBe(true);
  });

  test.each(blocks.filter((block) => !isClientPage(block)).map((block) => [`${block.page}:${block.line}`, block] as const))('%s says what it is', (_, block) => {
    expect(languages).toContain(block.language);
    expect(block.words.filter((word) => !knownWords.test(word))).toEqual([]);
    if (block.language === 'console') expect(steps(block).length).toBeGreaterThan(0);
  });
});

describe('manifests', () => {
  const manifests = blocks.filter(({ language }) => language === 'yaml');
  test('are there', () => expect(manifests.length).toBeGreaterThan(1));

  test.each(manifests.map((block) => [`${block.page}:${block.line}`, block] as const))('%s is valid', (_, block) => {
    for (const document of parseAllDocuments(block.text)) {
      expect(document.errors).toEqual([]);
      if (block.words.includes('fragment')) continue;
      if (document.get('kind') === 'GatewayConfiguration') {
        expect(() => readGatewayConfiguration(block.text, block.page)).not.toThrow();
        continue;
      }
      if (document.get('kind') === 'ApiConfiguration') {
        expect(() => readApiConfiguration(block.text, block.page)).not.toThrow();
        continue;
      }
      const result = validateManifest(document.toJS());
      expect(result.ok ? [] : result.problems).toEqual([]);
    }
  });
});
