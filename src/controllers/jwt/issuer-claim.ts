import type { TrustDomain } from '../../resources/index.ts';
import { isOlder } from '../is-older.ts';

/**
 * An issuer belongs to one trust domain: whoever verifies tokens finds one set of keys behind its URL, and what one of two trust
 * domains signs would pass for what the other says.
 */

/** The condition's reason where the issuer belongs to somebody else. */
export const issuerTakenReason = 'IssuerTaken';

/** The trust domain that the issuer of this one belongs to: the oldest that names it; undefined: it is this one's own, or it names none. */
export function issuerHolder(object: TrustDomain, all: Iterable<TrustDomain>): string | undefined {
  const issuer = issuerOf(object);
  if (issuer === undefined) return undefined;
  let holder = object;
  for (const other of all) if (issuerOf(other) === issuer && isOlder(other, holder)) holder = other;
  return holder.metadata.name === object.metadata.name ? undefined : holder.metadata.name;
}

/** The trust domains whose issuer may belong to another one after this change. */
export function affectedByIssuer(before: TrustDomain | undefined, after: TrustDomain | undefined, all: Iterable<TrustDomain>): readonly string[] {
  const issuers = new Set([before, after].map((object) => object && issuerOf(object)));
  issuers.delete(undefined);
  return issuers.size === 0 ? [] : [...all].filter((other) => issuers.has(issuerOf(other))).map(({ metadata }) => metadata.name);
}

/** What a person is told, and what to do. */
export function issuerTaken(object: TrustDomain, holder: string): { readonly reason: string; readonly message: string } {
  const { name } = object.metadata;
  const message = `the issuer ${object.spec.jwt?.issuer ?? ''} belongs to trust domain ${holder}, which is older: ${name} publishes no key under it and signs no token. Set spec.jwt.issuer of ${name} to a URL of its own, or take the issuer away from ${holder}`;
  return { reason: issuerTakenReason, message };
}

/** URLs that differ in the case of the host or in a port that is the usual one are the same place. */
function issuerOf({ spec }: TrustDomain): string | undefined {
  const issuer = spec.jwt?.issuer;
  return issuer === undefined || !URL.canParse(issuer) ? issuer : new URL(issuer).href;
}
