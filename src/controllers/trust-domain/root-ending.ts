import { activeAuthority, type AuthorityRecord } from '../../authority/index.ts';

const dayMs = 24 * 3_600_000;
/** Days before the end of a root at which somebody has to know, the last one first. */
const marksDays = [1, 7, 30] as const;

/** The condition RootEnding. It is False for a root that lives so short that half of its life has not passed at the mark. */
export interface RootEnding {
  readonly type: 'RootEnding';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Whether the active root ends within one of the marks. */
export function rootEnding(record: AuthorityRecord, nowMs: number): RootEnding {
  const { keyIdentifier, certificate } = activeAuthority(record, 'Root');
  const days = marksDays.find((mark) => markMs(record, mark) !== undefined && nowMs >= (markMs(record, mark) ?? 0));
  const end = new Date(certificate.notAfterMs).toISOString().slice(0, 16).replace('T', ' ');
  if (days === undefined) return { type: 'RootEnding', status: 'False', reason: 'RootLives', message: `root authority ${keyIdentifier} ends at ${end} UTC` };
  const within = days === 1 ? '1 day' : `${days} days`;
  return { type: 'RootEnding', status: 'True', reason: `RootEndsWithin${days}Days`, message: `root authority ${keyIdentifier} ends at ${end} UTC, within ${within}: rotate it (mtlsd rotate root --trust-domain ${record.trustDomain})` };
}

/** When the next mark comes, milliseconds since the epoch; undefined when none does. */
export function nextMarkMs(record: AuthorityRecord, nowMs: number): number | undefined {
  const coming = marksDays.map((mark) => markMs(record, mark)).filter((atMs) => atMs !== undefined && atMs > nowMs);
  return coming.length === 0 ? undefined : Math.min(...(coming as number[]));
}

function markMs(record: AuthorityRecord, days: number): number | undefined {
  const { notBeforeMs, notAfterMs } = activeAuthority(record, 'Root').certificate;
  const atMs = notAfterMs - days * dayMs;
  return atMs < notBeforeMs + (notAfterMs - notBeforeMs) / 2 ? undefined : atMs;
}
