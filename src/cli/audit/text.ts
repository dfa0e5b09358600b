import type { AuditVerdict, ChainVerdict } from '../../audit/index.ts';
import { table } from '../table.ts';
import { painter, printable, type Paint } from '../terminal-text.ts';

/** What became of looking at an audit log, and what could not be looked at. */
export interface ToldVerdict extends AuditVerdict {
  readonly isAnchorKnown: boolean;
  /** Whose keys signatures were verified by. */
  readonly keys: 'none' | 'anchor' | 'trusted';
}

/** Findings that are listed; all of them are in the JSON. */
const findingsMax = 50;

/** The verdict for people. Everything in it may be a stranger's. */
export function verdictText(verdict: ToldVerdict, isTerminal: boolean): string {
  const paint = painter(isTerminal);
  const parts = [headText(verdict, paint), chainsText(verdict, paint), notesOf(verdict).map((note) => `- ${printable(note)}`).join('\n')];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headText({ findings, chains }: ToldVerdict, paint: Paint): string {
  if (findings.length > 0) {
    const more = findings.length > findingsMax ? [`  … and ${findings.length - findingsMax} more`] : [];
    const title = findings.length === 1 ? '1 thing is not as it was written:' : `${findings.length} things are not as they were written:`;
    return [paint('bad', title), ...findings.slice(0, findingsMax).map(({ kind, message }) => `  ✗ ${kind}: ${printable(message)}`), ...more].join('\n');
  }
  if (chains.length === 0) return paint('warning', 'There is no line of an audit log.');
  const lines = sumOf(chains, ({ lines: count }) => count);
  return paint('good', `✓ ${lines} line${lines === 1 ? ' is' : 's are'} as written: none removed, changed or reordered`);
}

function chainsText({ chains }: ToldVerdict, paint: Paint): string {
  if (chains.length === 0) return '';
  const rows = chains.map(({ chain, lines, unsigned, unanchored, ended, to }) => [chain, String(lines), String(unsigned), String(unanchored), ended ? 'in order' : '', to].map(printable));
  return table([['CHAIN', 'LINES', 'UNSIGNED', 'NOT ANCHORED', 'ENDED', 'LAST LINE'].map((title) => paint('faint', title)), ...rows]);
}

/** What the verdict does not say, each with what to do about it. */
function notesOf(verdict: ToldVerdict): readonly string[] {
  const { chains, isAnchorKnown } = verdict;
  const unanchored = isAnchorKnown ? sumOf(chains, (chain) => chain.unanchored) : 0;
  const lost = sumOf(chains, (chain) => chain.lost);
  return [
    ...(isAnchorKnown ? [] : ['No anchor is known: a tail that was cut and a replica that is missing cannot be seen. Give --anchor, --state, --out or --kubeconfig.']),
    ...some(unanchored, 'line at the end is', 'lines at the end are', 'not anchored yet: from there on, lines could be missing without a trace.'),
    ...keyNotes[verdict.keys],
    ...some(lost, 'decision was', 'decisions were', 'made that could not be recorded: the log itself says so ("decision":"lost").'),
    ...chains.filter(({ droppedBefore }) => droppedBefore > 0).map(({ chain, droppedBefore }) => `The first ${droppedBefore} lines of ${chain} are not kept any more.`),
    ...some(verdict.forgotten?.count ?? 0, 'older chain is', 'older chains are', `not in the anchor any more (up to ${verdict.forgotten?.until ?? ''}): whether all of them are here is not known.`),
    ...some(verdict.repeated, 'line stands', 'lines stand', 'there more than once, as when a collector sends again.'),
    ...some(verdict.otherLines, 'line is', 'lines are', 'none of an audit log.'),
  ];
}

const keyNotes: Readonly<Record<ToldVerdict['keys'], readonly string[]>> = {
  none: ['No public key is known: signatures were not verified. Give --key, or an anchor with its keys.'],
  anchor: ['Signatures were verified by the keys beside the anchor: that these are the keys of your installation is its own word. Give the ones that you trust by --key.'],
  trusted: [],
};

/** A sentence about that many; none for none. */
function some(count: number, one: string, many: string, rest: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? one : many} ${rest}`];
}

function sumOf(chains: readonly ChainVerdict[], count: (chain: ChainVerdict) => number): number {
  return chains.reduce((sum, chain) => sum + count(chain), 0);
}
