import { describeKey } from '../object-key.ts';
import type { ObjectKey } from '../port.ts';
import type { ManifestObject } from '../../resources/index.ts';
import type { Entry, ParsedManifest } from './manifest-text.ts';
import { describeProblem, problem, type SourceProblem } from './source-problem.ts';

/** An object that is in force, with the file that it came from. */
export interface InForce {
  readonly key: ObjectKey;
  readonly source: string;
}

/** What the manifests, as they are now, ask for. */
export interface ManifestPlan {
  readonly puts: readonly { readonly key: ObjectKey; readonly source: string; readonly object: ManifestObject }[];
  /** Objects that stay as they are although their manifest says something else, and why. */
  readonly kept: readonly { readonly key: ObjectKey; readonly why: string }[];
  readonly drops: readonly ObjectKey[];
  readonly problems: readonly SourceProblem[];
}

/**
 * Decides what becomes of every object. An object goes only when the file that it came from is really gone, or was read
 * whole and does not speak of it any more. Pure.
 */
export function planManifests(files: ReadonlyMap<string, ParsedManifest>, inForce: ReadonlyMap<string, InForce>): ManifestPlan {
  const problems = [...files.values()].flatMap((file) => file.problems);
  const puts: ManifestPlan['puts'][number][] = [];
  const kept: ManifestPlan['kept'][number][] = [];
  const claims = claimsOf(files);
  for (const [id, entries] of claims) {
    const owner = entries.find((entry) => entry.file === inForce.get(id)?.source) ?? entries[0];
    if (owner === undefined) continue;
    for (const other of entries) if (other !== owner) problems.push(...duplicate(owner, other));
    if (owner.result.ok) {
      puts.push({ key: owner.key, source: owner.file, object: owner.result.object });
    } else {
      problems.push(...owner.result.problems);
      if (inForce.has(id)) kept.push({ key: owner.key, why: owner.result.problems.map(describeProblem).join('; ') });
    }
  }
  const drops: ObjectKey[] = [];
  for (const [id, { key, source }] of inForce) {
    if (claims.has(id)) continue;
    const file = files.get(source);
    if (file === undefined || file.complete) drops.push(key);
    else kept.push({ key, why: unclear(source, file) });
  }
  return { puts, kept, drops, problems: problems.sort(byPlace) };
}

function unclear(source: string, file: ParsedManifest): string {
  if (file.problems.length === 0) return `${source} holds something that does not say what it is (apiVersion, kind, metadata)`;
  return file.problems.map(describeProblem).join('; ');
}

function claimsOf(files: ReadonlyMap<string, ParsedManifest>): Map<string, Entry[]> {
  const claims = new Map<string, Entry[]>();
  for (const path of [...files.keys()].sort()) {
    for (const entry of files.get(path)?.entries ?? []) {
      const id = describeKey(entry.key);
      const entries = claims.get(id);
      if (entries === undefined) claims.set(id, [entry]);
      else entries.push(entry);
    }
  }
  return claims;
}

function duplicate(used: Entry, other: Entry): readonly SourceProblem[] {
  const object = describeKey(used.key);
  const [usedPlace, otherPlace] = [used, other].map((entry) => `${entry.file}:${entry.line}`);
  return [
    problem('MANIFEST_DUPLICATE', used.file, `${object} is described again at ${otherPlace}; this one is used`, { line: used.line, object }),
    problem('MANIFEST_DUPLICATE', other.file, `${object} is described at ${usedPlace} already, which is used; this one is not`, { line: other.line, object }),
  ];
}

function byPlace(a: SourceProblem, b: SourceProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0);
}
