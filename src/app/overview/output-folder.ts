import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { catalogue, MtlsdError } from '../../errors/index.ts';
import type { CARotation, TrustDomain, WorkloadIdentity } from '../../resources/index.ts';
import { describeProblem, problemsFile, type SourceProblem, subjectOf } from '../../store/directory/index.ts';
import { overviewOf, type Overview, type ProblemRow } from './overview.ts';
import type { Sight } from './sight.ts';

/**
 * The overview of an output folder, from the status files in it: whoever may read them needs no running mtlsd.
 * @throws OUTPUT_NOT_FOUND when the folder holds no output
 */
export async function readOutputFolder(out: string, nowMs: number): Promise<Overview> {
  return overviewOf(await sightOfFolder(out), await readProblems(out), nowMs);
}

/** The objects of an output folder, from its status files. @throws OUTPUT_NOT_FOUND when the folder holds no output */
export async function sightOfFolder(out: string): Promise<Sight> {
  const folder = join(out, 'status');
  const isThere = await stat(folder).then((found) => found.isDirectory(), () => false);
  if (!isThere) {
    throw new MtlsdError('OUTPUT_NOT_FOUND', `${out} holds no output of mtlsd: name the folder that \`mtlsd run\` was given as --out`, { details: { path: out } });
  }
  return {
    trustDomains: await readObjects<TrustDomain>(join(folder, 'TrustDomain')),
    identities: await readObjects<WorkloadIdentity>(join(folder, 'WorkloadIdentity')),
    rotations: await readObjects<CARotation>(join(folder, 'CARotation')),
  };
}

/** What the running mtlsd found wrong with the manifests; no file, no problem. */
export async function readProblems(out: string): Promise<readonly ProblemRow[]> {
  const text = await readFile(join(out, problemsFile), 'utf8').catch(() => '[]');
  return (JSON.parse(text) as readonly SourceProblem[]).map(problemRow);
}

/** A problem of a manifest as a row of the overview. */
export function problemRow(problem: SourceProblem): ProblemRow {
  return { object: subjectOf(problem), reason: catalogue[problem.code].reason, message: withRemedy(problem) };
}

/** What a schema says of a field ends with what to write instead: that to correct it is all that the catalogue could add. */
function withRemedy(problem: SourceProblem): string {
  const what = describeProblem(problem);
  return problem.code === 'MANIFEST_INVALID' ? what : `${what}${/[.?!]$/u.test(what) ? '' : '.'} ${problem.remedy}`;
}

async function readObjects<T>(folder: string): Promise<readonly T[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.yaml') && !entry.name.startsWith('.'));
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8').catch(() => undefined)));
  // A file that went away meanwhile belongs to an object that did.
  return texts.filter((text) => text !== undefined).map((text) => parse(text) as T);
}
