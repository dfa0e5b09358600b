import type { AuthorityRecord } from '../../authority/index.ts';
import type { TrustDomain } from '../../resources/index.ts';
import { jwtTurnOverAtMs } from '../../rotation/index.ts';
import type { JwtKeyFigures } from '../../telemetry/index.ts';
import type { JwtDomain } from './domain.ts';
import { jwtSettingsOf } from './settings.ts';

/** Where the keys of a trust domain stand; undefined: it never had any. */
export function jwtKeyFigures(object: TrustDomain, record: AuthorityRecord | undefined, jwt: JwtDomain | undefined): JwtKeyFigures | undefined {
  const keys = record?.jwt?.keys;
  if (keys === undefined) return undefined;
  const counted = { Prepared: 0, Active: 0, Retiring: 0 };
  for (const { state } of keys) counted[state] += 1;
  const settings = jwt?.issuer === undefined ? undefined : jwtSettingsOf(object);
  return { keys: counted, activeEndMs: settings && jwtTurnOverAtMs(keys, settings) };
}
