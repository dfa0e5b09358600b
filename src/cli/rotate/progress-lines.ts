import { standstill } from '../../app/overview/rotation-row.ts';
import type { CARotation } from '../../resources/index.ts';
import { timeText } from '../terminal-text.ts';

/** Names of stragglers in one line. */
const namesMax = 3;

/**
 * Where a rotation stands, in one line: the same text means that nothing worth a line has changed. Counts of a gate that moves
 * with every object are left out, so that a log of a thousand objects is no thousand lines.
 */
export function progressLine(rotation: CARotation): string {
  const { status } = rotation;
  if (status?.phase === undefined) return 'asked for; nobody has looked at it yet';
  const gate = status.gates?.find(({ name }) => name === status.gate);
  const still = standstill(rotation);
  const parts = [
    `${status.phase}${status.direction === 'Back' ? ' (back)' : ''}`,
    ...(gate === undefined ? [] : [`${gate.name}${gate.until === undefined ? '' : ` until ${timeText(Date.parse(gate.until))}`}${heldUpBy(gate)}`]),
    ...(still === undefined ? [] : [`${still.reason}: ${still.message}`]),
  ];
  return parts.join('  ');
}

type Gate = NonNullable<NonNullable<CARotation['status']>['gates']>[number];

function heldUpBy({ stragglers = [], stragglerCount = 0, done, total }: Gate): string {
  if (stragglerCount === 0) return '';
  // While most of them are on their way they are no stragglers yet: only how many there are at the end tells something.
  if (stragglerCount > namesMax && done < total) return `, waits for objects of ${total}`;
  const names = stragglers.slice(0, namesMax).map(stragglerName);
  const more = stragglerCount - names.length;
  return `, waits for ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `Pod shop/till-0`. */
export function stragglerName({ kind, namespace, name }: { readonly kind: string; readonly namespace?: string; readonly name: string }): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
