import { gateToApprove, hasEnded, rotationRow, standstill } from '../../app/overview/rotation-row.ts';
import type { RotationSite } from '../../app/rotation/site.ts';
import type { CARotation } from '../../resources/index.ts';
import { exitCodes } from '../exit-codes.ts';
import { spoken } from '../overview-text.ts';
import { hint } from './place.ts';

/** Why nobody need look any longer: it has ended, or goes on only when a person does something. */
export interface Ending {
  readonly exitCode: number;
  readonly text: string;
  /** For how many looks it may pass by itself. */
  readonly patienceLooks: number;
}

/** A standstill that only a person ends is believed when it is seen twice: what was just asked for may not be in force yet. */
const personLooks = 4;
/** One that may pass by itself is given time, in looks. */
const passingLooks = 60;
/** A receipt is signed a moment after the end. */
const receiptLooks = 12;

/** What a rotation came to, or what it needs; undefined while it goes on by itself. */
export function endingOf(rotation: CARotation, site: RotationSite): Ending | undefined {
  if (hasEnded(rotation)) return endOf(rotation, site);
  const still = standstill(rotation);
  if (still === undefined) return undefined;
  const { metadata, status } = rotation;
  const lines = [`CARotation ${metadata.name} stands still at ${rotationRow(rotation).gate ?? status?.phase ?? 'its start'} (${still.reason}): ${still.message}`, ...whatHelps(rotation, site)];
  return { exitCode: exitCodes.waits, text: `${lines.join('\n')}\n`, patienceLooks: still.needsPerson ? personLooks : passingLooks };
}

function endOf(rotation: CARotation, site: RotationSite): Ending {
  const { metadata, status } = rotation;
  const conditions = status?.conditions ?? [];
  const why = (conditions.find(({ type }) => type === 'Complete') ?? conditions.find(({ type }) => type === 'Progressing'))?.message;
  const lines = [`CARotation ${metadata.name}: ${status?.phase ?? ''}${why === undefined ? '' : `: ${why}`}`, ...lifeLines(rotation)];
  if (status?.receipt !== undefined) lines.push(`  ${hint(site, 'receipt', metadata.name)}   # its signed receipt`);
  const patienceLooks = status?.startedAt === undefined || status.receipt !== undefined ? 0 : receiptLooks;
  return { exitCode: status?.phase === 'Complete' ? exitCodes.ok : exitCodes.no, text: `${lines.join('\n')}\n`, patienceLooks };
}

function lifeLines({ status }: CARotation): readonly string[] {
  if (status?.startedAt === undefined || status.finishedAt === undefined) return [];
  const took = `  took ${spoken(Math.max(0, Math.round((Date.parse(status.finishedAt) - Date.parse(status.startedAt)) / 1000)))}`;
  return [status.reissued === undefined ? took : `${took}; ${status.reissued} certificates were issued again`];
}

function whatHelps(rotation: CARotation, site: RotationSite): readonly string[] {
  const { name } = rotation.metadata;
  const gate = gateToApprove(rotation);
  return [
    ...(gate === undefined ? [] : [`  ${hint(site, 'approve', name, gate)}`]),
    ...(rotation.spec.paused === true ? [`  ${hint(site, 'resume', name)}`] : []),
    ...(rotation.spec.mode === 'Emergency' ? [] : [`  ${hint(site, 'abort', name)}`]),
  ];
}
