/**
 * Writes what is generated: from `crds/*.yaml` the types and schemas in src/resources/generated and docs/reference/resources.md,
 * then from the program itself docs/reference/cli.md, errors.md, metrics.md and openapi.json. With `--check` it writes nothing and fails when one differs.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatedFiles } from './generate/outputs.ts';

const root = join(import.meta.dirname, '..');

async function currentText(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(root, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes the files that differ, unless they are only to be checked. @returns how many differed */
async function update(files: ReadonlyMap<string, string>, check: boolean): Promise<number> {
  let stale = 0;
  for (const [path, text] of files) {
    if ((await currentText(path)) === text) continue;
    stale += 1;
    process.stdout.write(`${path}: ${check ? 'differs from its source: run npm run generate' : 'written'}\n`);
    if (check) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return stale;
}

const check = process.argv.includes('--check');
let stale = await update(await generatedFiles(root), check);
// Loaded only now: the program needs the types and schemas that were just written.
const { referencePages } = await import('./reference/pages.ts');
stale += await update(await referencePages(), check);
if (check && stale > 0) process.exitCode = 1;
