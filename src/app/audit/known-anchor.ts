import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { decodeHeads } from '../../audit/index.ts';
import { anchoredIn, FileAnchor, headsEntry, type Anchored } from './anchor.ts';

/** The anchor of a state folder, and the files of its audit log, the oldest first. */
export async function readStateFolder(state: string): Promise<{ readonly anchored: Anchored; readonly files: readonly string[] }> {
  const log = join(state, 'audit.jsonl');
  const files = [log];
  while (existsSync(`${log}.${files.length}`)) files.push(`${log}.${files.length}`);
  return { anchored: await new FileAnchor(join(state, 'audit-heads.json')).read(), files: files.toReversed() };
}

/** A copy of an anchor: the ConfigMap as kubectl prints it (JSON or YAML), or what is in it under `heads.json`. Undefined when it is neither. */
export function anchorFromText(text: string): Anchored | undefined {
  if (decodeHeads(text) !== undefined) return anchoredIn({ [headsEntry]: text });
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    return undefined;
  }
  const data = typeof value === 'object' && value !== null && 'data' in value ? value.data : undefined;
  if (typeof data !== 'object' || data === null || Object.values(data).some((entry) => typeof entry !== 'string')) return undefined;
  const entries = data as Readonly<Record<string, string>>;
  return decodeHeads(entries[headsEntry] ?? '') === undefined ? undefined : anchoredIn(entries);
}
