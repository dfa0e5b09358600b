/** The catalogue of errors, its page, and the code that raises them hold each other. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogue, isMtlsdError, MtlsdError, type ErrorCode, type ErrorEntry } from '../../src/errors/index.ts';

const root = join(import.meta.dirname, '..', '..');
const page = await readFile(join(root, 'docs', 'reference', 'errors.md'), 'utf8');
const rows = Object.entries<ErrorEntry>(catalogue);

/** Rows of the page: code → its cells. */
const onPage = new Map(
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => [/^\| `([A-Z0-9_]+)`/u.exec(line)?.[1] ?? line, line] as const),
);

async function sources(): Promise<string> {
  const names = (await readdir(join(root, 'src'), { recursive: true })).filter((name) => name.endsWith('.ts') && !name.startsWith('errors/'));
  return (await Promise.all(names.map(async (name) => readFile(join(root, 'src', name), 'utf8')))).join('\n');
}

test('the page has every code of the catalogue and no other', () => {
  expect([...onPage.keys()].toSorted()).toEqual(rows.map(([code]) => code).toSorted());
});

describe.each(rows)('%s', (code, entry) => {
  test('stands on the page as it is', () => {
    const line = (onPage.get(code) ?? '').replaceAll('\\', '');
    for (const text of [entry.meaning, entry.remedy, `\`${entry.reason}\``, `| ${entry.status} |`]) expect(line).toContain(text);
  });

  test('says what happened and what to do, in sentences', () => {
    for (const text of [entry.meaning, entry.remedy]) expect(text).toMatch(/^(?:[A-Z`]|mtlsd).{10,}\.$/u);
    expect(entry.meaning).not.toBe(entry.remedy);
  });

  test('has a reason for conditions and a status for callers', () => {
    // The pattern of metav1.Condition, narrowed to CamelCase.
    expect(entry.reason).toMatch(/^[A-Z][A-Za-z0-9]{2,63}$/u);
    expect(entry.status).toBeGreaterThanOrEqual(400);
    expect(entry.status).toBeLessThan(600);
    // What is tried again may pass; what is the caller's fault does not.
    if (entry.status === 400 || entry.status === 404) expect(entry.retry).toBe('never');
  });
});

test('every code is raised somewhere, or its row says the reason of a condition', async () => {
  const text = await sources();
  const unused = rows.filter(([code]) => !text.includes(`'${code}'`) && !text.includes(`catalogue.${code}`)).map(([code]) => code);
  expect(unused).toEqual([]);
});

describe('an error', () => {
  test('knows its row, its details and its cause', () => {
    const cause = new Error('the disk');
    const error = new MtlsdError('STORE_LOCKED', 'locked by process 7', { details: { path: 'state' }, cause });
    expect(error.entry).toBe(catalogue.STORE_LOCKED);
    expect(error).toMatchObject({ name: 'MtlsdError', code: 'STORE_LOCKED', message: 'locked by process 7', details: { path: 'state' }, cause });
    expect(error.retryAfterMs).toBeUndefined();
  });

  test('is told from others, and by its code', () => {
    const error: unknown = new MtlsdError('STORE_CONFLICT', 'changed');
    expect(isMtlsdError(error)).toBe(true);
    expect(isMtlsdError(error, 'STORE_CONFLICT')).toBe(true);
    expect(isMtlsdError(error, 'STORE_NOT_FOUND', 'STORE_LOCKED')).toBe(false);
    expect(isMtlsdError(new Error('STORE_CONFLICT'))).toBe(false);
    expect(isMtlsdError({ code: 'STORE_CONFLICT' satisfies ErrorCode })).toBe(false);
  });
});
