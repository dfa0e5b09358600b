import { hasEnded, standstill } from '../../app/rotation-row.ts';
import type { RotationSite } from '../../app/rotation-site.ts';
import type { CARotation } from '../../resources/index.ts';
import { exitCodes } from '../exit-codes.ts';
import { spoken } from '../overview-text.ts';
import { hint } from './place.ts';

/** Why nobody need look any longer: it has ended, or goes on only when a person does something. */
export interface Ending {
  readonly exitCode: number;
  readonly text: string;
}

/** What a rotation came to, or what it needs; undefined while it goes on by itself. */
export function endingOf(rotation: CARotation, site: RotationSite): Ending | undefined {
  const { metadata, status } = rotation;
  if (hasEnded(rotation)) {
    const conditions = status?.conditions ?? [];
    const why = (conditions.find(({ type }) => type === 'Complete') ?? conditions.find(({ type }) => type === 'Progressing'))?.message;
    const lines = [`CARotation ${metadata.name}: ${status?.phase ?? ''}${why === undefined ? '' : `: ${why}`}`, ...lifeLines(rotation)];
    if (status?.receipt !== undefined) lines.push(`  ${hint(site, 'receipt', metadata.name)}   # its signed receipt`);
    return { exitCode: status?.phase === 'Complete' ? exitCodes.ok : exitCodes.no, text: `${lines.join('\n')}\n` };
  }
  const still = standstill(rotation);
  if (still === undefined) return undefined;
  const lines = [`CARotation ${metadata.name} stands still at ${status?.gate ?? status?.phase ?? 'its start'} (${still.reason}): ${still.message}`, ...whatHelps(rotation, site)];
  return { exitCode: exitCodes.waits, text: `${lines.join('\n')}\n` };
}

function lifeLines({ status }: CARotation): readonly string[] {
  if (status?.startedAt === undefined || status.finishedAt === undefined) return [];
  const took = `  took ${spoken(Math.max(0, Math.round((Date.parse(status.finishedAt) - Date.parse(status.startedAt)) / 1000)))}`;
  return [status.reissued === undefined ? took : `${took}; ${status.reissued} certificates were issued again`];
}

/** The gate that only a person's word is missing at. */
export function gateToApprove({ spec, status }: CARotation): string | undefined {
  const waiting = status?.gates?.find(({ state }) => state === 'Waiting')?.name;
  if (waiting === undefined || !(spec.approvals ?? []).includes(waiting)) return undefined;
  return (spec.approved ?? []).includes(waiting) ? undefined : waiting;
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
