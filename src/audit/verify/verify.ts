import { isSigned } from '../checkpoint.ts';
import { anchoredHeads, type AuditHeads } from '../heads.ts';
import { judgeSignatures, missingLines, verifyChain, type ChainVerdict, type Gap, type Ground, type SignatureVerdict } from './chain.ts';
import { placeOf, readEntries, type AuditFinding, type AuditInput, type Entry } from './entries.ts';

export type { AuditFinding } from './entries.ts';
export type { ChainVerdict } from './chain.ts';

/** What an auditor knows besides the lines. */
export interface AuditKnowledge {
  /** Public keys, PEM, by key identifier; undefined: signatures are not looked at. */
  readonly keys: ReadonlyMap<string, string> | undefined;
  /** What is anchored; undefined: it is not known. */
  readonly anchor: AuditHeads | undefined;
  /** The files begin later than the log: what is missing before their first lines is no finding. */
  readonly recent: boolean;
}

/** What became of looking at an audit log. */
export interface AuditVerdict {
  /** Everything that is not as it was written. None: nothing was removed, changed or reordered in what is signed or anchored. */
  readonly findings: readonly AuditFinding[];
  /** Each chain that is there, the oldest first. */
  readonly chains: readonly ChainVerdict[];
  /** Chains that had to make room in the anchor: whether all of them are there is not known. */
  readonly forgotten: AuditHeads['forgotten'];
  readonly otherLines: number;
  readonly repeated: number;
}

/** Whether lines are what was written, as far as can be known. Never throws for any input. */
export function verifyAudit(inputs: readonly AuditInput[], knowledge: AuditKnowledge): AuditVerdict {
  const { chains, findings, otherLines, repeated } = readEntries(inputs);
  const own = new Map([...chains].map(([chain, entries]) => [chain, judgeSignatures(entries, knowledge.keys)]));
  const signedThrough = withFollowed(chains, new Map([...own].map(([chain, { through }]) => [chain, through])));
  const of = (chain: string): SignatureVerdict => ({ through: signedThrough.get(chain) ?? -1, findings: own.get(chain)?.findings ?? [] });
  // What the log says of its own gaps counts when it is signed, where that can be known.
  const believed = [...chains.values()].flat().filter(({ chain, sequence }) => knowledge.keys === undefined || sequence <= of(chain).through);
  const dropped = new Dropped(believed);
  const undelivered = new Undelivered(believed);
  const anchored = knowledge.anchor === undefined ? new Map<string, never>() : anchoredHeads(knowledge.anchor);
  const anchoredThrough = withFollowed(chains, new Map([...anchored].map(([chain, { line }]) => [chain, line.sequence])));
  const ground: Ground = {
    anchored,
    anchoredThrough: (chain) => anchoredThrough.get(chain) ?? -1,
    isUndelivered: (gap) => undelivered.has(gap),
    allowedToMiss: (chain) => (knowledge.recent ? Infinity : dropped.before(chain)),
  };
  const judged = [...chains].map(([chain, entries]) => verifyChain(entries, of(chain), ground));
  const missing = missingFindings(chains, ground, (head) => knowledge.recent || dropped.isGone(head));
  return {
    findings: [...findings, ...judged.flatMap((each) => each.findings), ...anchorFindings(knowledge), ...missing],
    chains: judged.map(({ verdict }) => verdict).sort((a, b) => (a.from < b.from ? -1 : 1)),
    forgotten: knowledge.anchor?.forgotten,
    otherLines,
    repeated,
  };
}

/** The anchor's own checkpoints are signed too. */
function anchorFindings({ anchor, keys }: AuditKnowledge): readonly AuditFinding[] {
  if (anchor === undefined) return [];
  const heads = anchoredHeads(anchor);
  const unreadable = anchor.heads.length - heads.size;
  const unsigned = keys === undefined ? [] : [...heads.values()].filter((head) => !isSigned(head, keys.get(head.keyId) ?? ''));
  return [
    ...(unreadable === 0 ? [] : [{ kind: 'forged' as const, message: `the anchor holds ${unreadable} head${unreadable === 1 ? '' : 's'} that are none, or two of one chain` }]),
    ...unsigned.map(({ line: { chain, sequence } }) => ({ kind: 'forged' as const, chain, message: `the anchor's head of ${chain} (sequence ${sequence}) is not signed by a key that is trusted` })),
  ];
}

/** The head that a chain was written behind, as its first line says. */
function followedBy(first: Entry | undefined): { readonly chain: string; readonly sequence: number; readonly hash: string } | undefined {
  const { chain, sequence, hash } = (first?.decision === 'chain-started' ? (first.line?.content['follows'] ?? {}) : {}) as Readonly<Record<string, unknown>>;
  return typeof chain === 'string' && typeof sequence === 'number' && typeof hash === 'string' ? { chain, sequence, hash } : undefined;
}

/**
 * How far chains are signed or anchored, with what those that were written behind them add: their first line bears the hash of a line of the
 * chain before, and so stands for everything up to it.
 * @param through sequences, by chain
 */
function withFollowed(chains: ReadonlyMap<string, readonly Entry[]>, through: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const reached = new Map(through);
  const newestFirst = [...chains].map(([chain, [first]]) => ({ chain, first })).sort((a, b) => ((a.first?.time ?? '') > (b.first?.time ?? '') ? -1 : 1));
  for (const { chain, first } of newestFirst) {
    const followed = followedBy(first);
    if (followed === undefined || (reached.get(chain) ?? -1) < 0) continue;
    const isThere = chains.get(followed.chain)?.some(({ sequence, hash }) => sequence === followed.sequence && hash === followed.hash) === true;
    if (isThere) reached.set(followed.chain, Math.max(followed.sequence, reached.get(followed.chain) ?? -1));
  }
  return reached;
}

type IsGone = (head: Pick<Entry, 'chain' | 'sequence' | 'time'>) => boolean;

/** Chains that are named by the anchor, or by the first line of another, and are not there, or not as they were named. */
function missingFindings(chains: ReadonlyMap<string, readonly Entry[]>, ground: Ground, isGone: IsGone): readonly AuditFinding[] {
  const byAnchor = [...ground.anchored.values()]
    .filter(({ line }) => !chains.has(line.chain) && !isGone(line))
    .map(({ line }) => ({ kind: 'missing' as const, chain: line.chain, message: `${line.chain} is missing: it is anchored with ${line.sequence + 1} lines, up to ${line.time}` }));
  const named = new Set(byAnchor.map(({ chain }) => chain));
  const byNext = [...chains.values()].flatMap(([first]) => (first?.decision === 'chain-started' ? followFindings(first, chains, ground, isGone) : []));
  return [...byAnchor, ...byNext.filter(({ chain }) => chain === undefined || !named.has(chain))];
}

/** A chain names the head that its process knew of the one before. */
function followFindings(first: Entry, chains: ReadonlyMap<string, readonly Entry[]>, ground: Ground, isGone: IsGone): readonly AuditFinding[] {
  const followed = followedBy(first);
  if (followed === undefined) return [];
  const { chain, sequence, hash } = followed;
  const entries = chains.get(chain);
  const last = entries?.at(-1);
  if (entries === undefined || last === undefined) return isGone({ chain, sequence, time: first.time }) ? [] : [{ kind: 'missing', chain, message: `${chain} is missing: ${placeOf(first)} was written behind it` }];
  const place = { chain, file: last.file, line: last.lineNumber };
  if (last.sequence < sequence) return ground.isUndelivered({ chain, from: last.sequence + 1, to: sequence, hash }) ? [] : [{ kind: 'cut', ...place, message: `${missingLines(last.sequence + 1, sequence, chain)} behind ${placeOf(last)}: ${placeOf(first)} was written behind them` }];
  const same = entries.find((entry) => entry.sequence === sequence);
  return same === undefined || same.hash === hash ? [] : [{ kind: 'changed', chain, file: same.file, line: same.lineNumber, message: `${placeOf(same)} is not the line that ${placeOf(first)} was written behind` }];
}

/** What the log itself says that it does not keep any more: its oldest file made room. */
class Dropped {
  readonly #lines: readonly { readonly replica: string; readonly chain: string; readonly sequence: number; readonly time: string }[];

  constructor(entries: readonly Entry[]) {
    this.#lines = entries.flatMap(({ chain: by, line }) => {
      const { chain, sequence, time } = (line?.decision === 'dropped' ? (line.content['through'] ?? {}) : {}) as Readonly<Record<string, unknown>>;
      return typeof chain === 'string' && typeof sequence === 'number' && typeof time === 'string' ? [{ replica: replicaOf(by), chain, sequence, time }] : [];
    });
  }

  /** How many lines of a chain went. */
  before(chain: string): number {
    return Math.max(0, ...this.#lines.filter((line) => line.chain === chain).map(({ sequence }) => sequence + 1));
  }

  /** Whether a chain went as a whole: what it had ended before a later line of the same replica went. */
  isGone({ chain, sequence, time }: Pick<Entry, 'chain' | 'sequence' | 'time'>): boolean {
    return this.#lines.some((line) => line.replica === replicaOf(chain) && (line.chain === chain ? line.sequence >= sequence : line.time >= time));
  }
}

/** What the log itself says that its sink refused for good. */
class Undelivered {
  readonly #hashes = new Map<string, string>();

  constructor(entries: readonly Entry[]) {
    for (const { line } of entries) {
      const { chain, sequence, hash } = (line?.decision === 'undelivered' ? (line.content['line'] ?? {}) : {}) as Readonly<Record<string, unknown>>;
      if (typeof chain === 'string' && typeof sequence === 'number' && typeof hash === 'string') this.#hashes.set(`${chain}#${sequence}`, hash);
    }
  }

  /** Whether it says so of each line of a gap, and the last of them is the one that is missing. */
  has({ chain, from, to, hash }: Gap): boolean {
    if (to - from >= this.#hashes.size || this.#hashes.get(`${chain}#${to}`) !== hash) return false;
    for (let sequence = from; sequence < to; sequence += 1) if (!this.#hashes.has(`${chain}#${sequence}`)) return false;
    return true;
  }
}

function replicaOf(chain: string): string {
  return chain.slice(0, Math.max(0, chain.lastIndexOf('/')));
}
