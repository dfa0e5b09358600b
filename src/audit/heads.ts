import canonicalize from 'canonicalize';
import { readCheckpoint, type Checkpoint } from './checkpoint.ts';

/** What format the document has that heads are anchored in. */
const headsFormat = 'mtlsd-audit-heads/1';

/** The last checkpoint of each chain that is known, in one place apart from the lines. */
export interface AuditHeads {
  /** Texts of checkpoints, one a chain, the newest last. */
  readonly heads: readonly string[];
  /** Chains that had to make room: how many, and when the last of them was anchored. */
  readonly forgotten: { readonly count: number; readonly until: string } | undefined;
}

/** How many chains are kept: with a few replicas, restarts of weeks. */
const headsMax = 64;

/** Before the first checkpoint. */
export const noHeads: AuditHeads = { heads: [], forgotten: undefined };

/** The heads with that of one chain moved on: the oldest make room, and are counted. */
export function withHead(before: AuditHeads, checkpoint: string): AuditHeads {
  const chain = readCheckpoint(checkpoint)?.line.chain;
  const all = [...before.heads.filter((text) => readCheckpoint(text)?.line.chain !== chain), checkpoint];
  const leaving = all.slice(0, Math.max(0, all.length - headsMax));
  if (leaving.length === 0) return { ...before, heads: all };
  const until = leaving.map((text) => readCheckpoint(text)?.line.time ?? '').reduce((a, b) => (a > b ? a : b), before.forgotten?.until ?? '');
  return { heads: all.slice(leaving.length), forgotten: { count: (before.forgotten?.count ?? 0) + leaving.length, until } };
}

/** The heads as a document: canonical JSON. */
export function encodeHeads({ heads, forgotten }: AuditHeads): string {
  return `${canonicalize({ format: headsFormat, heads, ...(forgotten === undefined ? {} : { forgotten }) })}\n`;
}

/** Reads what `encodeHeads` wrote; undefined for anything else. */
export function decodeHeads(text: string): AuditHeads | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { format, heads, forgotten } = value as Readonly<Record<string, unknown>>;
  if (format !== headsFormat || !Array.isArray(heads) || !heads.every((head) => typeof head === 'string')) return undefined;
  const { count, until } = (typeof forgotten === 'object' && forgotten !== null ? forgotten : {}) as Readonly<Record<string, unknown>>;
  return { heads, forgotten: typeof count === 'number' && typeof until === 'string' ? { count, until } : undefined };
}

/** The anchored checkpoints, by chain. */
export function anchoredHeads({ heads }: AuditHeads): ReadonlyMap<string, Checkpoint> {
  return new Map(heads.map(readCheckpoint).filter((checkpoint) => checkpoint !== undefined).map((checkpoint) => [checkpoint.line.chain, checkpoint]));
}
