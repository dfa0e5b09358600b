/** The programs and configurations that a page of docs/clients/ shows: what a test runs is what a reader copies. */
import { mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parsePage, root } from '../docs/pages.ts';

/**
 * Writes every block of `docs/clients/<page>.md` that names a file (`file=NAME` behind its fence) into a new folder.
 *
 * @param insert what a reader replaces by what is right on their machine: every `from` must stand in some block
 * @returns the folder; whoever asked for it removes it
 */
export async function savePageFiles(page: string, insert: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = `docs/clients/${page}.md`;
  const folder = await realpath(await mkdtemp(join(tmpdir(), `mtlsd-clients-${page}-`)));
  const unused = new Set(Object.keys(insert));
  for (const block of parsePage(path, await readFile(join(root, path), 'utf8')).blocks) {
    const name = block.words.find((word) => word.startsWith('file='))?.slice('file='.length);
    if (name === undefined) continue;
    let text = block.text;
    for (const [from, to] of Object.entries(insert)) {
      if (text.includes(from)) unused.delete(from);
      text = text.replaceAll(from, to);
    }
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${text}\n`);
  }
  if (unused.size > 0) throw new Error(`${path} does not say ${[...unused].join(', ')}`);
  return folder;
}
