/**
 * Writes what is generated from `crds/*.yaml`: the types and schemas in src/resources/generated, and
 * docs/reference/resources.md. With `--check` it writes nothing and fails when one of them differs.
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

async function main(check: boolean): Promise<void> {
  const stale: string[] = [];
  for (const [path, text] of await generatedFiles(root)) {
    if ((await currentText(path)) === text) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const verb = check ? 'differs from crds/: run npm run generate' : 'written';
  for (const path of stale) process.stdout.write(`${path}: ${verb}\n`);
  if (check && stale.length > 0) process.exitCode = 1;
}

await main(process.argv.includes('--check'));
