import type { TrustDomain } from '../../resources/index.ts';
import { parseTrustDomainName } from '../../spiffe/index.ts';
import type { ControllerContext } from '../context.ts';
import type { DomainState } from '../domains.ts';
import { inForce } from '../trust-domain/older-record.ts';
import { loadRecord } from '../trust-domain/record-store.ts';
import { issuerHolder } from './issuer-claim.ts';
import { jwtSettingsOf, keysKeptMs } from './settings.ts';

/** The public half of a key that signs JWT-SVIDs (RFC 7517). */
export type PublishedJwk = { readonly kid: string; readonly alg: 'ES256' | 'RS256' } & (
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
);

/** The keys that the tokens of a trust domain are verified by. */
export interface PublishedKeys {
  /** `iss` of its tokens; undefined: they have none. */
  readonly issuer: string | undefined;
  /** The trust domain that the issuer belongs to instead; undefined: it is its own. With one, there are no keys. */
  readonly takenBy: string | undefined;
  /** Those included that sign soon, and those that signed a token that lives. */
  readonly keys: readonly PublishedJwk[];
  /** Until when readers may keep these keys, milliseconds since the epoch: a key that is published later signs later than that. */
  readonly changesAtMs: number;
}

/** What is published of a trust domain; undefined when it issues no tokens. */
export function publishedKeys({ object, record, jwt }: Pick<DomainState, 'object' | 'record' | 'jwt'>, nowMs: number): PublishedKeys | undefined {
  const settings = jwtSettingsOf(object);
  if (settings === undefined || record === undefined) return undefined;
  const takenBy = jwt?.takenBy;
  if (takenBy !== undefined) return { issuer: settings.issuer, takenBy, keys: [], changesAtMs: nowMs };
  const keys = (record.jwt?.keys ?? []).map(({ keyIdentifier, algorithm, jwk }) => ({ kid: keyIdentifier, alg: algorithm, ...jwk }) as PublishedJwk);
  return { issuer: settings.issuer, takenBy, keys, changesAtMs: nowMs + keysKeptMs(object) };
}

/**
 * The same as it stands in the store, for a replica that keeps no trust domain open.
 * @param all every trust domain that there is: an issuer may belong to another one of them
 * @throws STORE_…
 */
export async function readPublishedKeys(context: Pick<ControllerContext, 'store' | 'systemNamespace' | 'recordLocation' | 'clock'>, object: TrustDomain, all: readonly TrustDomain[]): Promise<PublishedKeys | undefined> {
  const settings = jwtSettingsOf(object);
  if (settings === undefined) return undefined;
  const name = parseTrustDomainName(object.metadata.name);
  const { state } = inForce(await loadRecord(context, name), object, context.recordLocation(name));
  const takenBy = issuerHolder(object, all);
  const jwt = takenBy === undefined ? undefined : { settings, issuer: undefined, problem: undefined, takenBy };
  return publishedKeys({ object, record: state.kind === 'loaded' ? state.record : undefined, jwt }, context.clock.nowMs());
}
