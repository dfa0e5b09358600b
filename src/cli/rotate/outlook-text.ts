import type { Outlook, OutlookObject } from '../../app/rotation-outlook.ts';
import { spoken } from '../overview-text.ts';
import { table } from '../table.ts';
import { painter, type Paint } from '../terminal-text.ts';

/** Objects of a list that are shown one by one. */
const listMax = 20;

/** What a rotation would do, for people. */
export function outlookText(outlook: Outlook, isTerminal: boolean): string {
  const paint = painter(isTerminal);
  const { trustDomain, what, mode, fromAuthority } = outlook;
  const title = `${mode === 'Emergency' ? 'Emergency rotation' : 'Rotation'} of the ${what === 'Root' ? 'root' : 'issuing authority'} of ${trustDomain}${fromAuthority === undefined ? '' : ` (${fromAuthority.slice(0, 8)})`}`;
  const parts = [
    paint('strong', title),
    outlook.obstacles.length === 0 ? paint('good', 'It can begin.') : [paint('bad', 'It cannot begin:'), ...outlook.obstacles.map((each) => `  ✗ ${each}`)].join('\n'),
    workText(outlook),
    timeText(outlook, paint),
    mode === 'Emergency' ? breaksText(outlook, paint) : '',
    stragglersText(outlook, paint),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function workText({ reissued, writes }: Outlook): string {
  return [`What is done:`, table([['  certificates issued again', String(reissued)], ['  bundles written', String(writes.bundles)], ['  statuses written', String(writes.statuses)]])].join('\n');
}

function timeText({ steps, seconds, mode }: Outlook, paint: Paint): string {
  const rows = steps.map((step) => [`  ${step.phase}`, spoken(step.seconds), paint('faint', step.why)]);
  const sum = mode === 'Emergency' ? 'to distrust' : 'in all';
  return [`How long it takes at least:`, table([...rows, [`  ${sum}`, paint('strong', spoken(seconds)), '']])].join('\n');
}

function breaksText({ breaks, trustDomain }: Outlook, paint: Paint): string {
  if (breaks.length === 0) return `Who breaks: ${paint('good', 'nobody that is known')}. Connections that are up stay up until you end them.`;
  return [paint('bad', `Who may break: ${breaks.length} of the identities of ${trustDomain}`), ...listed(breaks, paint), '  Connections that are up stay up until you end them.'].join('\n');
}

function stragglersText({ stragglers }: Outlook, paint: Paint): string {
  if (stragglers.length === 0) return `Who may hold it up: ${paint('good', 'nobody that is known')}.`;
  return [paint('warning', `Who may hold it up: ${stragglers.length}`), ...listed(stragglers, paint)].join('\n');
}

function listed(objects: readonly OutlookObject[], paint: Paint): readonly string[] {
  const lines = objects.slice(0, listMax).map(({ object, why }) => `  ${object}: ${why}`);
  return objects.length <= listMax ? lines : [...lines, paint('faint', `  … and ${objects.length - listMax} more; --output json lists all`)];
}
