/** The programs and configurations that pages of docs/clients/ show: what a test runs is what a reader copies. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parsePage, root } from '../docs/pages.ts';

/** Writes every block of `docs/clients/<page>.md` that names a file (`file=NAME` behind its fence) into `folder`. */
export async function savePageFiles(page: string, folder: string): Promise<void> {
  const path = `docs/clients/${page}.md`;
  for (const block of parsePage(path, await readFile(join(root, path), 'utf8')).blocks) {
    const name = block.words.find((word) => word.startsWith('file='))?.slice('file='.length);
    if (name === undefined) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), `${block.text}\n`);
  }
}

/**
 * Copies files of a page into a new folder `to`, with what a reader replaces by what is right on their machine.
 *
 * @throws {Error} when a file does not say what is to be replaced
 */
export function fillIn(from: string, to: string, replacements: Readonly<Record<string, string>>): void {
  const unused = new Set(Object.keys(replacements));
  cpSync(from, to, { recursive: true });
  for (const name of readdirSync(to, { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(to, entry.name))) {
    let text = readFileSync(name, 'utf8');
    for (const [pattern, value] of Object.entries(replacements)) {
      if (text.includes(pattern)) unused.delete(pattern);
      text = text.replaceAll(pattern, value);
    }
    writeFileSync(name, text);
  }
  if (unused.size > 0) throw new Error(`no file of the page says ${[...unused].join(' or ')}`);
}
