import type { ReceiptVerdict } from '../../rotation/receipt/index.ts';
import { spoken } from '../overview-text.ts';
import { table } from '../table.ts';
import { labelled, painter, printable, type Paint } from '../terminal-text.ts';

type Receipt = NonNullable<ReceiptVerdict['receipt']>;

/** What a receipt says, and whether it is to be believed, for people. Everything in it may be a stranger's. */
export function receiptText(verdict: ReceiptVerdict, isTerminal: boolean): string {
  const paint = painter(isTerminal);
  return `${[verdictText(verdict, paint), ...contentOf(verdict, paint)].join('\n\n')}\n`;
}

function verdictText({ problems, keyId, keyIsTrusted }: ReceiptVerdict, paint: Paint): string {
  if (problems.length > 0) return [paint('bad', 'This is no receipt as it was signed:'), ...problems.map((problem) => `  ✗ ${printable(problem)}`)].join('\n');
  const key = printable(keyId ?? '');
  if (keyIsTrusted) return `${paint('good', '✓ It is as it was signed')}, by key ${key}`;
  return `${paint('warning', '✓ It is as it was signed')}, by key ${key}\n  That it is the key of your installation is the receipt's own word: give the key that you trust by --key`;
}

/** What cannot be believed is not shown as if it could: only a receipt without problems is. */
function contentOf({ problems, receipt }: ReceiptVerdict, paint: Paint): readonly string[] {
  if (problems.length > 0 || receipt === undefined) return [];
  return [headText(receipt, paint), authoritiesText(receipt, paint), gatesText(receipt, paint), ...exemptionsText(receipt, paint)];
}

function headText({ rotation, counts, bundles, approvals }: Receipt, paint: Paint): string {
  const seconds = Math.max(0, Math.round((Date.parse(rotation.endedAt) - Date.parse(rotation.startedAt)) / 1000));
  const rows: readonly (readonly [string, string])[] = [
    ['rotation', `${rotation.name} (${rotation.uid})`],
    ['of', `the ${rotation.what.toLowerCase()} of ${rotation.trustDomain}, ${rotation.mode.toLowerCase()}`],
    ['outcome', rotation.overtakenBy === undefined ? rotation.outcome : `${rotation.outcome}: the emergency ${rotation.overtakenBy} took over`],
    ...(rotation.overtook === undefined ? [] : [['took over', rotation.overtook.join(', ')] as const]),
    ['from', rotation.startedAt],
    ['to', `${rotation.endedAt} (${spoken(seconds)})`],
    ['bundles', bundles.map(({ generation }) => String(generation)).join(' → ')],
    ['issued again', String(counts.reissued)],
    ['targets written', String(counts.targetsWritten)],
    ['left behind', `${counts.stragglers}, exempted ${counts.exempted}`],
    ...(approvals.length === 0 ? [] : [['approved by a person', approvals.join(', ')] as const]),
  ];
  return labelled('', rows.map(([label, value]) => [label, printable(value)]), paint).trimEnd();
}

function authoritiesText({ authorities }: Receipt, paint: Paint): string {
  const rows = authorities.map(({ part, role, state, keyIdentifier, certificateSha256 }) => [part, role.toLowerCase(), state.toLowerCase(), keyIdentifier, certificateSha256 === undefined ? '' : `certificate ${certificateSha256.slice(0, 16)}…`].map(printable));
  return table([['PART', 'ROLE', 'STATE', 'KEY IDENTIFIER', ''].map((title) => paint('faint', title)), ...rows]);
}

function gatesText({ gates }: Receipt, paint: Paint): string {
  const rows = gates.map(({ name, state, evidence, done, total, passedAt, stragglers = [] }) => [name, state.toLowerCase(), `${done}/${total}`, evidence.join(', '), passedAt ?? '', stragglers.join(', ')].map(printable));
  return table([['GATE', 'STATE', 'DONE', 'EVIDENCE', 'PASSED', 'LEFT BEHIND'].map((title) => paint('faint', title)), ...rows]);
}

function exemptionsText({ exemptions }: Receipt, paint: Paint): readonly string[] {
  if (exemptions.length === 0) return [];
  return [table([['EXEMPTED', 'UNTIL', 'REASON'].map((title) => paint('faint', title)), ...exemptions.map(({ object, until, reason }) => [object, until, reason].map(printable))])];
}
