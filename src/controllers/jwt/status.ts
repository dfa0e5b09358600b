import type { JwtAuthority, JwtAuthorities } from '../../authority/index.ts';
import { setCondition, type Condition, type TrustDomain, type TrustDomainStatus } from '../../resources/index.ts';
import { jwtTurnOverAtMs } from '../../rotation/index.ts';
import type { JwtDomain } from './domain.ts';
import { jwtSettingsOf } from './settings.ts';

type JwtStatus = NonNullable<TrustDomainStatus['jwt']>;

/** The keys as status tells of them. @param takenBy the trust domain that the issuer belongs to instead */
export function jwtStatus(jwt: JwtAuthorities, object: TrustDomain, takenBy: string | undefined): JwtStatus {
  const settings = takenBy === undefined ? jwtSettingsOf(object) : undefined;
  const turnsOverAtMs = settings && jwtTurnOverAtMs(jwt.keys, settings);
  return { sequence: jwt.sequence, ...(settings?.issuer === undefined ? {} : { issuer: settings.issuer }), ...time('turnsOverAt', turnsOverAtMs), keys: jwt.keys.map(keyStatus) };
}

function keyStatus({ keyIdentifier, algorithm, state, publishedAtMs, activatedAtMs, retiredAtMs }: JwtAuthority): JwtStatus['keys'][number] {
  return { keyIdentifier, algorithm, state, ...time('publishedAt', publishedAtMs), ...time('activatedAt', activatedAtMs), ...time('retiredAt', retiredAtMs) };
}

/** Adds the condition `JWTReady`; without tokens it goes. */
export function withJwtReady(conditions: readonly Condition[], jwt: JwtDomain | undefined, observedGeneration: number, nowMs: number): readonly Condition[] {
  if (jwt === undefined) return conditions.filter(({ type }) => type !== 'JWTReady');
  const { issuer, problem } = jwt;
  const told =
    problem === undefined
      ? { status: 'True' as const, reason: 'KeyActive', message: `tokens are signed by key ${issuer?.keyIdentifier ?? ''}` }
      : { status: 'False' as const, ...problem };
  return setCondition(conditions, { type: 'JWTReady', ...told, observedGeneration }, nowMs);
}

function time(name: 'publishedAt' | 'activatedAt' | 'retiredAt' | 'turnsOverAt', atMs: number | undefined): Partial<Record<typeof name, string>> {
  return atMs === undefined ? {} : { [name]: new Date(atMs).toISOString().replace(/\.\d{3}Z$/u, 'Z') };
}
