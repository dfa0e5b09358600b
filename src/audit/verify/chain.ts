import { asCheckpoint, isSigned, type Checkpoint } from '../checkpoint.ts';
import { noHash } from '../line.ts';
import { placeOf, type AuditFinding, type Entry } from './entries.ts';

/** What became of one chain. */
export interface ChainVerdict {
  readonly chain: string;
  /** Lines that are there. */
  readonly lines: number;
  readonly from: string;
  readonly to: string;
  /** How many lines at the end stand behind the last checkpoint whose signature holds: whoever could write the file could write them. */
  readonly unsigned: number;
  /** How many checkpoints there are, whether their signatures hold or not. */
  readonly checkpoints: number;
  /** How many lines at the end stand behind what is anchored: they could be missing without a trace, and more of them could be. */
  readonly unanchored: number;
  /** Whether its process ended in order. */
  readonly ended: boolean;
  /** Decisions that the process could not record. */
  readonly lost: number;
  /** Lines at the beginning that are not there and need not be: the oldest file made room, or they are older than the files. */
  readonly droppedBefore: number;
  /** Lines that the sink refused for good, as the log itself says. */
  readonly undelivered: number;
}

/** How far the signatures of a chain hold, and which do not. */
export interface SignatureVerdict {
  /** Sequence of the last checkpoint that holds; -1: none. */
  readonly through: number;
  readonly findings: readonly AuditFinding[];
}

/** Lines of one chain that are not there. */
export interface Gap {
  readonly chain: string;
  /** Sequences, both included. */
  readonly from: number;
  readonly to: number;
  /** Of the last of them. */
  readonly hash: string;
}

/** By what chains are judged. */
export interface Ground {
  readonly anchored: ReadonlyMap<string, Checkpoint>;
  /** How far a chain is anchored, by itself or by one that was written behind it: a sequence; -1: not at all. */
  anchoredThrough(chain: string): number;
  /** Whether the log itself says that its sink refused these lines. */
  isUndelivered(gap: Gap): boolean;
  /** How many lines at the beginning of a chain may be missing. */
  allowedToMiss(chain: string): number;
}

/** Judges the lines of one chain, of which there is at least one. */
export function verifyChain(entries: readonly Entry[], signatures: SignatureVerdict, ground: Ground): { readonly verdict: ChainVerdict; readonly findings: readonly AuditFinding[] } {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) throw new Error('invariant broken: a chain has lines');
  const { chain } = first;
  const anchor = ground.anchored.get(chain);
  const findings = [...startFindings(first, ground), ...linkFindings(entries, ground), ...endFindings(entries, anchor)];
  const anchoredThrough = ground.anchoredThrough(chain);
  const verdict: ChainVerdict = {
    chain,
    lines: entries.length,
    from: first.time,
    to: last.time,
    unsigned: entries.filter(({ sequence }) => sequence > signatures.through).length,
    unanchored: entries.filter(({ sequence }) => sequence > anchoredThrough).length,
    ended: entries.some(({ decision }) => decision === 'chain-ended'),
    lost: entries.reduce((sum, { line }) => sum + (line?.decision === 'lost' && typeof line.content['count'] === 'number' ? line.content['count'] : 0), 0),
    checkpoints: entries.filter(({ decision }) => decision === 'checkpoint').length,
    droppedBefore: first.sequence,
    undelivered: entries.reduce((sum, { line }) => sum + (line?.decision === 'undelivered' ? 1 : 0), 0),
  };
  return { verdict, findings: [...findings, ...signatures.findings] };
}

function finding(kind: AuditFinding['kind'], { chain, file, lineNumber }: Entry, message: string): AuditFinding {
  return { kind, chain, file, line: lineNumber, message };
}

/** "line 3 of c is missing", "lines 3 to 5 of c are missing". */
export function missingLines(from: number, to: number, chain: string): string {
  return from === to ? `line ${from} of ${chain} is missing` : `lines ${from} to ${to} of ${chain} are missing`;
}

function startFindings(first: Entry, ground: Ground): readonly AuditFinding[] {
  const { chain, sequence, previous } = first;
  const isKnown = sequence <= ground.allowedToMiss(chain) || ground.isUndelivered({ chain, from: 0, to: sequence - 1, hash: previous });
  if (!isKnown) return [finding('removed', first, `${missingLines(0, sequence - 1, chain)} before ${placeOf(first)}`)];
  if (sequence === 0 && (previous !== noHash || first.decision !== 'chain-started')) return [finding('changed', first, `${placeOf(first)} begins ${chain} and is not how a chain begins`)];
  return [];
}

/** Neighbours: each line bears the hash of the one before. */
function linkFindings(entries: readonly Entry[], ground: Ground): readonly AuditFinding[] {
  return entries.flatMap((entry, index) => {
    const before = entries[index - 1];
    if (before === undefined) return [];
    const gap = { chain: entry.chain, from: before.sequence + 1, to: entry.sequence - 1, hash: entry.previous };
    if (gap.from <= gap.to) return ground.isUndelivered(gap) ? [] : [finding('removed', entry, `${missingLines(gap.from, gap.to, gap.chain)} between ${placeOf(before)} and ${placeOf(entry)}`)];
    if (entry.previous === before.hash) return [];
    return [finding('changed', before, `${placeOf(before)} (sequence ${before.sequence}) is not the line that ${placeOf(entry)} was written behind: one of the two was changed`)];
  });
}

/** The end: as far as it is anchored, it must be there, as it was anchored. */
function endFindings(entries: readonly Entry[], anchor: Checkpoint | undefined): readonly AuditFinding[] {
  const last = entries.at(-1);
  if (anchor === undefined || last === undefined) return [];
  const { sequence, text } = anchor.line;
  if (sequence > last.sequence) return [finding('cut', last, `${missingLines(last.sequence + 1, sequence, last.chain)} behind ${placeOf(last)}: it is anchored up to ${anchor.line.time}`)];
  const same = entries.find((entry) => entry.sequence === sequence);
  return same === undefined || same.line?.text === text ? [] : [finding('changed', same, `${placeOf(same)} is not the checkpoint that is anchored`)];
}

/**
 * Judges the checkpoints of a chain.
 * @param keys PEM, by key identifier; undefined: signatures are not looked at
 */
export function judgeSignatures(entries: readonly Entry[], keys: ReadonlyMap<string, string> | undefined): SignatureVerdict {
  let through = -1;
  const findings: AuditFinding[] = [];
  for (const entry of entries) {
    if (entry.decision !== 'checkpoint' || entry.line === undefined) continue;
    const checkpoint = asCheckpoint(entry.line);
    const key = keys?.get(checkpoint?.keyId ?? '');
    if (checkpoint === undefined) findings.push(finding('forged', entry, `${placeOf(entry)} is a checkpoint without a signature`));
    else if (keys !== undefined && key === undefined) findings.push(finding('forged', entry, `${placeOf(entry)} is signed by key ${checkpoint.keyId}, which is none of the keys that are trusted`));
    else if (key !== undefined && !isSigned(checkpoint, key)) findings.push(finding('forged', entry, `${placeOf(entry)} is a checkpoint whose signature does not hold`));
    else if (key !== undefined) through = entry.sequence;
  }
  return { through, findings };
}
