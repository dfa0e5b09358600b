import {
  activateJwtAuthority,
  activeJwtAuthority,
  distrustJwtAuthorities,
  dropJwtAuthorities,
  noteJwtAuthorities,
  prepareJwtAuthority,
  restartJwtAuthorities,
  withdrawJwtAuthorities,
  type AuthorityRecord,
  type AuthorityTools,
  type JwtAuthorities,
} from '../../authority/index.ts';
import type { TrustDomain } from '../../resources/index.ts';
import { planJwtAuthorities, type JwtPlan } from '../../rotation/index.ts';
import type { ControllerContext } from '../context.ts';
import { jwtSettingsOf } from './settings.ts';

/** Annotation by which an operator has keys for tokens distrusted at once: their names (`kid`), with commas between them. Left in place it does nothing more. */
const distrustAnnotation = 'mtlsd.io/distrust-jwt-key';

/** What a change of the JWT authorities of a trust domain is decided from. */
export interface JwtSituation {
  readonly object: TrustDomain;
  readonly record: AuthorityRecord;
  /** What readers and signers of this process have. */
  readonly shown: JwtAuthorities | undefined;
  /** The trust domain that its issuer belongs to instead: then it has keys for tokens as one has that issues none. */
  readonly takenBy: string | undefined;
}

type JwtStep = Exclude<JwtPlan, { action: 'none' }>;

/** Decides what to do next. Pure. */
export function planJwt({ object, record, shown, takenBy }: JwtSituation, nowMs: number): JwtPlan {
  const distrusted = new Set(object.metadata.annotations?.[distrustAnnotation]?.split(',').map((name) => name.trim()));
  return planJwtAuthorities({ jwt: record.jwt, shown, seenSequence: object.status?.jwt?.sequence ?? 0, distrusted }, takenBy === undefined ? jwtSettingsOf(object) : undefined, nowMs);
}

/** The record after a step. */
export async function afterJwtStep({ object, record, shown }: JwtSituation, step: JwtStep, nowMs: number, tools: AuthorityTools): Promise<AuthorityRecord> {
  switch (step.action) {
    case 'restart':
      return restartJwtAuthorities(record, object.status?.jwt?.sequence ?? 0);
    case 'distrust':
      return distrustJwtAuthorities(record, step.keyIdentifiers);
    case 'note':
      return noteJwtAuthorities(record, shown, nowMs);
    case 'withdraw':
      return withdrawJwtAuthorities(record);
    case 'drop':
      return dropJwtAuthorities(record, step.keyIdentifiers);
    case 'prepare':
      return prepareJwtAuthority(record, jwtSettingsOf(object)?.algorithm ?? 'ES256', tools);
    case 'activate':
      return activateJwtAuthority(record, nowMs);
  }
}

/**
 * A record with new roots, with the keys of the one before: tokens do not hang on a root. Where that one was lost, they begin anew
 * above what readers have seen.
 */
export function withJwtOfBefore(made: AuthorityRecord, before: AuthorityRecord | undefined, { status }: TrustDomain): AuthorityRecord {
  if (before !== undefined) return { ...made, jwt: before.jwt };
  return status?.jwt === undefined ? made : restartJwtAuthorities(made, status.jwt.sequence);
}

const whys = { first: 'the trust domain issues tokens', age: 'the key before comes to its age', algorithm: 'tokens are to be signed otherwise' } as const;

/** Tells what a step has done. */
export function tellJwtStep({ audit, events }: Pick<ControllerContext, 'audit' | 'events'>, { object, record: before }: JwtSituation, step: JwtStep, after: AuthorityRecord): void {
  const { trustDomain } = after;
  const tell = (decision: 'authority-created' | 'authority-turned-over' | 'authority-dropped' | 'authority-distrusted', authority: string, reason: string): void => audit.record({ decision, object: `TrustDomain ${trustDomain}`, trustDomain, authority, reason: `key for JWT-SVIDs: ${reason}` });
  if (step.action === 'prepare') for (const key of keysWithout(after, before)) tell('authority-created', key, whys[step.why]);
  if (step.action === 'distrust') {
    for (const key of step.keyIdentifiers) tell('authority-distrusted', key, 'somebody asked for it');
    events.record(object, { type: 'Warning', reason: 'JWTKeyDistrusted', message: `published no more: ${[...step.keyIdentifiers].join(', ')}. Tokens that were signed with it are refused by whoever fetches keys from now on` });
    return;
  }
  for (const key of keysWithout(before, after)) tell('authority-dropped', key, 'no live token needs it');
  const active = activeJwtAuthority(after.jwt)?.keyIdentifier;
  if (step.action === 'activate' && active !== undefined) {
    tell('authority-turned-over', active, 'it was published for long enough');
    events.record(object, { type: 'Normal', reason: 'JWTKeyActive', message: `JWT-SVIDs are signed by key ${active} from now on` });
  }
  if (step.action === 'restart') {
    events.record(object, { type: 'Warning', reason: 'JWTKeysBegunAnew', message: 'the record has older keys for JWT-SVIDs than those that were published: a new key is published, and tokens are issued once it was for long enough' });
  }
}

/** The keys for tokens of one record that another has not. */
export function keysWithout({ jwt }: AuthorityRecord, other: AuthorityRecord): readonly string[] {
  const there = new Set(other.jwt?.keys.map(({ keyIdentifier }) => keyIdentifier));
  return (jwt?.keys ?? []).map(({ keyIdentifier }) => keyIdentifier).filter((keyIdentifier) => !there.has(keyIdentifier));
}
