import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

/** The root of the checkout. */
export const root = join(import.meta.dirname, '..', '..');

/**
 * A fenced block. The first word behind the fence says what it is, the others what a test does with it:
 *
 * - `console`: commands behind `$ `, each with the output below it (see `match-output.ts`);
 * - `sh`: commands that succeed; nothing is said of their output;
 * - `yaml`: manifests that are valid; with `file=NAME` they are written there for the commands that follow;
 * - `yaml fragment`: YAML of another program, or a part of a manifest: well-formed;
 * - `text`: nothing is done.
 *
 * `background` lets a command run on until the page ends; `cluster` leaves it to the tests that have a cluster.
 */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly words: readonly string[];
  readonly text: string;
}

/** A link to a place in the repository. */
export interface Link {
  readonly page: string;
  readonly line: number;
  readonly target: string;
}

/** A page, by its path in the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Relative links only. */
  readonly links: readonly Link[];
  /** Names that a link may end in behind `#`. */
  readonly anchors: ReadonlySet<string>;
}

/** README.md and every page below docs/. */
export async function readPages(): Promise<readonly Page[]> {
  const below = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  return Promise.all(['README.md', ...below.sort()].map(async (path) => parsePage(path, await readFile(join(root, path), 'utf8'))));
}

/** Takes a page apart. @throws {Error} for a fence that is never closed */
export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { readonly line: number; readonly info: string; readonly lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(.*)$/u.exec(line);
    prose.push(fence !== null || open !== undefined ? '' : line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { line: index + 1, info: fence[1] ?? '', lines: [] };
    else {
      const [language = '', ...words] = open.info.trim().split(/\s+/u);
      blocks.push({ page: path, line: open.line, language, words, text: open.lines.join('\n') });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the fence is never closed`);
  return { path, text, blocks, links: linksOf(path, prose), anchors: anchorsOf(prose) };
}

function linksOf(page: string, prose: readonly string[]): readonly Link[] {
  return prose.flatMap((line, index) =>
    [...line.replaceAll(/`[^`]*`/gu, '').matchAll(/\]\(([^()\s]+)\)|(?:src|href)="([^"]+)"/gu)]
      .map(([, markdown, html]) => markdown ?? html ?? '')
      .filter((target) => !/^[a-z]+:/u.test(target))
      .map((target) => ({ page, line: index + 1, target })),
  );
}

/** GitHub's anchors: lower case, punctuation gone, spaces to hyphens. */
function anchorsOf(prose: readonly string[]): ReadonlySet<string> {
  const headings = prose.flatMap((line) => /^#{1,6} (.+)$/u.exec(line)?.[1] ?? []);
  return new Set(headings.map((heading) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(' ', '-')));
}

/** Where a link leads: a path in the repository, and the anchor. */
export function resolveLink({ page, target }: Link): { readonly path: string; readonly anchor: string | undefined } {
  const [file = '', anchor] = target.split('#');
  return { path: file === '' ? page : normalize(join(dirname(page), file)), anchor };
}
