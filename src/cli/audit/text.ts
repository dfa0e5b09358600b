import type { AuditFinding, AuditVerdict, ChainVerdict } from '../../audit/index.ts';
import { table } from '../table.ts';
import { painter, printable, type Paint } from '../terminal-text.ts';

/** What became of looking at an audit log, and what could not be looked at. */
export interface ToldVerdict extends AuditVerdict {
  readonly isAnchorKnown: boolean;
  /** Whether what is missing before the first lines is no finding. */
  readonly recent: boolean;
  /** Whose keys signatures were verified by. */
  readonly keys: 'none' | 'anchor' | 'trusted';
}

/** Findings that are listed; all of them are in the JSON. */
const findingsMax = 50;

/** The verdict for people. Everything in it may be a stranger's. */
export function verdictText(verdict: ToldVerdict, isTerminal: boolean): string {
  const paint = painter(isTerminal);
  const parts = [headText(verdict, paint), adviceText(verdict), chainsText(verdict, paint), notesOf(verdict).map((note) => `- ${printable(note)}`).join('\n')];
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
  const signed = lines - sumOf(chains, ({ unsigned }) => unsigned);
  if (signed === lines) return paint('good', `✓ ${lines} line${lines === 1 ? ' is' : 's are'} as written: none removed, changed or reordered`);
  if (signed > 0) return paint('good', `✓ ${signed} of ${lines} lines are signed and as written: none removed, changed or reordered; the others fit together`);
  return paint('warning', `✓ ${lines} line${lines === 1 ? ' fits' : 's fit'} together: none removed in the middle, changed or reordered, unless somebody wrote everything behind it anew`);
}

/** What to do about what was found, a sentence for each kind of it. */
function adviceText({ findings }: ToldVerdict): string {
  const kinds = new Set(findings.map(({ kind }) => kind));
  return advice.filter((each) => each.kinds.some((kind) => kinds.has(kind))).map(({ sentence }) => `- ${sentence}`).join('\n');
}

const advice: readonly { readonly kinds: readonly AuditFinding['kind'][]; readonly sentence: string }[] = [
  { kinds: ['removed', 'cut', 'missing'], sentence: 'What is missing may lie in a file that you did not give: give those of all replicas, rotated ones (.1, .2 …, .gz) too. For a log that begins later than mtlsd did, add --recent.' },
  { kinds: ['unreadable'], sentence: 'A collector must keep lines byte by byte: give the lines as mtlsd wrote them.' },
  { kinds: ['forged'], sentence: 'Give all public keys that you trust by --key. If the key is right, somebody wrote these checkpoints or this anchor who does not hold it.' },
  { kinds: ['removed', 'cut', 'missing', 'changed', 'reordered', 'forged'], sentence: 'Otherwise compare these places with a copy that whoever can write here cannot: your collector, another replica, a copy of the anchor. Certificates that are in use and not in the log are found by their serial numbers.' },
];

function chainsText({ chains }: ToldVerdict, paint: Paint): string {
  if (chains.length === 0) return '';
  const rows = chains.map(({ chain, lines, unsigned, unanchored, ended, to }) => [chain, String(lines), String(unsigned), String(unanchored), ended ? 'in order' : '', to].map(printable));
  return table([['CHAIN', 'LINES', 'UNSIGNED', 'NOT ANCHORED', 'ENDED', 'LAST LINE'].map((title) => paint('faint', title)), ...rows]);
}

/** What the verdict does not say, each with what to do about it. */
function notesOf(verdict: ToldVerdict): readonly string[] {
  const { chains, isAnchorKnown } = verdict;
  const nobodys = chains.filter(({ checkpoints, unsigned, lines }) => checkpoints === 0 && unsigned === lines);
  const unanchored = isAnchorKnown ? sumOf(chains.filter((chain) => !nobodys.includes(chain)), (chain) => chain.unanchored) : 0;
  const missed = new Set(verdict.findings.filter(({ kind }) => kind === 'removed').map(({ chain }) => chain));
  const lost = sumOf(chains, (chain) => chain.lost);
  return [
    ...(isAnchorKnown ? [] : ['No anchor is known: a tail that was cut and a replica that is missing cannot be seen. Give --anchor, --state, --out or --kubeconfig.']),
    ...nobodys.map(({ chain, lines }) => `${chain} (${lines} line${lines === 1 ? '' : 's'}) has no signature, as that of mtlsd gateway, which holds no key: a line that is missing in the middle, changed or moved is seen, unless all behind it was written anew; a tail that was cut is not seen, nor that such a file is missing.`),
    ...some(unanchored, 'line at the end is', 'lines at the end are', 'not anchored yet: from there on, lines could be missing without a trace.'),
    ...keyNotes[verdict.keys],
    ...some(lost, 'decision was', 'decisions were', 'made that could not be recorded: the log itself says so ("decision":"lost").'),
    ...some(sumOf(chains, (chain) => chain.undelivered), 'line was', 'lines were', 'refused by the sink for good: the log itself says so ("decision":"undelivered").'),
    ...chains.filter(({ chain, droppedBefore }) => droppedBefore > 0 && !missed.has(chain)).map(({ chain, droppedBefore }) => `The first ${droppedBefore} line${droppedBefore === 1 ? '' : 's'} of ${chain} ${verdict.recent ? 'are not in these files, which --recent allows: nothing is known of them' : 'are not kept any more, as the log itself says ("decision":"dropped")'}.`),
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
