/**
 * Tables of docs/reference/verifiers.md that hold what tests have seen. A test compares its table with the page; with
 * UPDATE=1 it writes it. The prose around the tables is written by hand.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { withLock } from '../cluster/lock.ts';
import type { Environment } from '../cluster/places.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'verifiers.md');

/** A table in Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The page as it is. */
export async function readPage(): Promise<string> {
  return readFile(page, 'utf8');
}

/** Holds the part of the page between the two marks of `name` to `content`. */
export async function holdPage(name: string, content: string, env: Environment): Promise<void> {
  const part = new RegExp(`(<!-- ${name}: written by UPDATE=1 npx vitest run --project conformance -->\n)[^]*?(<!-- end of ${name} -->)`);
  if (env['UPDATE'] === '1') {
    // Each file of tests is a process of its own.
    await withLock(join(tmpdir(), 'mtlsd-verifiers-page.lock'), () => undefined, async () => {
      const text = await readFile(page, 'utf8');
      if (!part.test(text)) throw new Error(`docs/reference/verifiers.md has no place for ${name}`);
      await writeFile(page, text.replace(part, (_, begin: string, end: string) => `${begin}${content}\n${end}`));
    });
  }
  expect(part.exec(await readFile(page, 'utf8'))?.[0]).toContain(content);
}
