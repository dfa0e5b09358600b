/** docs/reference/configuration.md and the code name the same settings, both ways. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandLine } from '../../scripts/reference/cli-page.ts';
import { root } from './pages.ts';

const text = await readFile(join(root, 'docs', 'reference', 'configuration.md'), 'utf8');
const chartText = await chart();

/** Names in backquotes in the first column of the tables, and in prose. */
function named(pattern: RegExp): ReadonlySet<string> {
  return new Set([...text.matchAll(/`([^`\n]+)`/gu)].map(([, name = '']) => name).filter((name) => pattern.test(name)));
}

async function sources(): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const names = (await readdir(join(root, 'src'), { recursive: true })).filter((name) => name.endsWith('.ts') && !name.includes('generated/'));
  return Promise.all(names.map(async (path) => ({ path, text: await readFile(join(root, 'src', path), 'utf8') })));
}

async function chart(): Promise<string> {
  const folder = join(root, 'charts', 'mtlsd', 'templates');
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml'));
  return (await Promise.all(names.map(async (name) => readFile(join(folder, name), 'utf8')))).join('\n');
}

/** Names of ours that are no annotation and no label: a type, a signer, a reporter of events. */
const otherNames = new Set(['mtlsd.io/audit-key', 'mtlsd.io/authorities', 'mtlsd.io/controller', 'mtlsd.io/federated-bundle', 'mtlsd.io/x509-svid']);

test('every annotation and label of the code is told of, and no other', async () => {
  const inCode = new Set((await sources()).flatMap((source) => [...source.text.matchAll(/'(mtlsd\.io\/[a-z-]+)'/gu)].map(([, name = '']) => name)).filter((name) => !otherNames.has(name)));
  const onPage = named(/^mtlsd\.io\/[a-z-]+$/u);
  const onlyInChart = [...onPage].filter((name) => !inCode.has(name));
  expect([...inCode].filter((name) => !onPage.has(name))).toEqual([]);
  expect(onlyInChart.filter((name) => !chartText.includes(name))).toEqual([]);
});

test('the program reads no environment variable of its own', async () => {
  // What Kubernetes' own clients read (KUBECONFIG, the service of the API server) is handed on whole to where the cluster is found.
  const readers = (await sources()).filter((source) => /process\.env[.[]|\benv\[/u.test(source.text)).map(({ path }) => path);
  expect(readers).toEqual([]);
});

test('every option of every command is in cli.md, with a default or as something that may be left out', async () => {
  const page = await readFile(join(root, 'docs', 'reference', 'cli.md'), 'utf8');
  const options = commandLine().commands.flatMap((command) => command.options.map((option) => option.long ?? ''));
  expect(options.length).toBeGreaterThan(15);
  expect(options.filter((option) => !page.includes(option))).toEqual([]);
});
