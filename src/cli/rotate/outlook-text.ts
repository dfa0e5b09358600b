import type { OutlookObject } from '../../app/rotation/around.ts';
import type { Outlook } from '../../app/rotation/outlook.ts';
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
    givenUpText(outlook, paint),
    workText(outlook),
    timeText(outlook, paint),
    drillText(outlook),
    mode === 'Emergency' ? breaksText(outlook, paint) : '',
    stragglersText(outlook, paint),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** What an emergency puts an end to, besides a root. */
function givenUpText({ givesUp = [], distrusts = [] }: Outlook, paint: Paint): string {
  const parts = [
    ...(distrusts.length > 1 ? [paint('bad', `Distrusted: every root but a new one (${distrusts.map((each) => each.slice(0, 8)).join(', ')})`)] : []),
    ...(givesUp.length === 0 ? [] : [paint('warning', `What is given up: ${givesUp.length}`), ...listed(givesUp, paint)]),
  ];
  return parts.join('\n');
}

function workText({ reissued, writes }: Outlook): string {
  return [`What is done:`, table([['  certificates issued again', String(reissued)], ['  bundles written', String(writes.bundles)], ['  statuses written', String(writes.statuses)]])].join('\n');
}

function timeText(outlook: Outlook, paint: Paint): string {
  const { steps, seconds, mode, drill, withdrawal = [] } = outlook;
  // Only a drill knows more of its figures than how they were reckoned.
  const rows = (all: Outlook['steps']): readonly string[][] => all.map((step) => [`  ${step.phase}`, spoken(step.seconds), ...(drill === undefined ? [] : [step.evidence]), paint('faint', step.why)]);
  const sum = (name: string, all: number): string[] => [`  ${name}`, paint('strong', spoken(all)), ...(drill === undefined ? [] : ['']), ''];
  if (mode === 'Graceful') return ['How long it takes at least:', table([...rows(steps), sum('in all', seconds)])].join('\n');
  const everywhere = seconds + withdrawal.reduce((all, step) => all + step.seconds, 0);
  return ['How long it takes at least:', table([...rows(steps), sum('to distrust', seconds), ...rows(withdrawal), sum('by everybody', everywhere)])].join('\n');
}

/** What a drill measured, and what it could not. */
function drillText({ drill }: Outlook): string {
  if (drill === undefined) return '';
  const { signaturesPerSecond, signed, authoritiesSeconds, writing } = drill;
  const writes = 'unmeasured' in writing ? ['  writes', 'not measured', writing.unmeasured] : ['  writes', `${Math.floor(writing.writesPerSecond)} a second`, `seen after ${Math.ceil(writing.seenSeconds * 1000)} ms (${writing.writes} writes: ${writing.where})`];
  return ['Measured just now; nothing that is in use was touched:', table([
    writes,
    ['  certificates', `${Math.floor(signaturesPerSecond)} a second`, `with their keys, on this machine (${signed} of an authority that is thrown away)`],
    ['  authorities', `${Math.ceil(authoritiesSeconds * 1000)} ms`, 'a root and an issuing authority'],
  ])].join('\n');
}

function breaksText({ breaks, trustDomain, unsettledSeconds = 0 }: Outlook, paint: Paint): string {
  const meanwhile = unsettledSeconds === 0 ? '' : `\n  In the first ${spoken(unsettledSeconds)} after the switch, who has a new certificate is refused by whom has not loaded the new bundle yet.`;
  const end = `Connections that are up stay up until you end them.`;
  if (breaks.length === 0) return `Who breaks: ${paint('good', 'nobody that is known')}. ${end}${meanwhile}`;
  return [paint('bad', `Who may break in ${trustDomain}: ${breaks.length}`), ...listed(breaks, paint), `  ${end}${meanwhile}`].join('\n');
}

function stragglersText({ stragglers }: Outlook, paint: Paint): string {
  if (stragglers.length === 0) return `Who may hold it up: ${paint('good', 'nobody that is known')}.`;
  return [paint('warning', `Who may hold it up: ${stragglers.length}`), ...listed(stragglers, paint)].join('\n');
}

function listed(objects: readonly OutlookObject[], paint: Paint): readonly string[] {
  const lines = objects.slice(0, listMax).map(({ object, why }) => `  ${object}: ${why}`);
  return objects.length <= listMax ? lines : [...lines, paint('faint', `  … and ${objects.length - listMax} more; --output json lists all`)];
}
