import { createHash } from 'node:crypto';
import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import { parseSpiffeBundle, parseSpiffeId, type SpiffeBundle, type TrustDomainName } from '../../spiffe/index.ts';
import { encodePem, parseCertificate, type Certificate } from '../../x509/index.ts';
import type { BundleAnswer } from './fetch.ts';

/**
 * What is taken as the bundle of another trust domain. Pure: an answer and what is known go in, a bundle or a refusal comes
 * out. Whose bundle it is, is what the configuration says, never what the document says (SPIFFE-32).
 */

/** The bundle of another trust domain as it is in use. */
export interface FederatedBundle {
  readonly trustDomain: TrustDomainName;
  readonly sequence: bigint;
  /** Seconds. */
  readonly refreshHintSeconds: number | undefined;
  /** In the order of their bytes. None: the other trust domain has revoked everything (SPIFFE-18). */
  readonly roots: readonly Certificate[];
  /** They, PEM. */
  readonly caPem: string;
  /** Over them, hexadecimal. */
  readonly sha256: string;
}

/** The largest document that is read. */
export const documentBytesMax = 256 * 1024;
/** The most that the roots of one trust domain may take, PEM: sixteen of them fit into a Secret, and leave room for its own. */
const rootsCharactersMax = 48 * 1024;

/** What an answer leads to: another address to ask, or a document. */
export type Heard = { readonly redirect: string } | { readonly document: string };

/**
 * Reads an answer. A redirect may lead to https without a user only (SPIFFE-34), whether it may be followed is the caller's to
 * say.
 * @throws MtlsdError `FEDERATION_ANSWER_REFUSED`
 */
export function hear(url: string, { status, headers, body }: BundleAnswer): Heard {
  const refuse = (why: string): never => {
    throw new MtlsdError('FEDERATION_ANSWER_REFUSED', `${url} ${why}`);
  };
  if ([301, 302, 303, 307, 308].includes(status)) {
    const target = headers['location'] === undefined ? null : URL.parse(headers['location'], url);
    if (target === null) return refuse(`answers ${status} without an address to go to`);
    if (target.protocol !== 'https:' || target.username !== '' || target.password !== '') return refuse('redirects to an address that is not https, or has a user in it');
    target.hash = '';
    return { redirect: target.href };
  }
  if (status !== 200) return refuse(`answers with status ${status}`);
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  // JWK Sets have a type of their own, which some servers prefer (RFC 7517 §8.5.2).
  if (type !== 'application/json' && type !== 'application/jwk-set+json') return refuse('answers with a content type that is not application/json');
  return { document: body };
}

/**
 * The bundle of `trustDomain` in a document that was fetched.
 * @param known what is in use, which is never gone behind; undefined when nothing is, or a person has it begin anew
 * @throws MtlsdError `FEDERATION_BUNDLE_REFUSED`, `FEDERATION_BUNDLE_OLDER`
 */
export function acceptBundle(document: string, trustDomain: TrustDomainName, known: Pick<FederatedBundle, 'sequence'> | undefined): { readonly bundle: FederatedBundle; readonly dropped: readonly string[] } {
  const { bundle: parsed, dropped } = parse(document, trustDomain);
  const roots = parsed.x509Roots.map((der, index) => rootOf(der, index, trustDomain));
  // Nothing that is understood is not the same as nothing: only the latter revokes.
  if (roots.length === 0 && dropped.length > 0) throw refused(trustDomain, `it has no root that can be used (${dropped[0] ?? ''})`);
  const bundle = federatedBundle(trustDomain, roots, parsed);
  if (bundle.caPem.length > rootsCharactersMax) throw refused(trustDomain, `its roots take ${bundle.caPem.length} characters as PEM, more than ${rootsCharactersMax}`);
  // The same sequence with another content: the order cannot be known, and those who never count say 0 or 1 for ever.
  if (known !== undefined && bundle.sequence < known.sequence) {
    throw new MtlsdError('FEDERATION_BUNDLE_OLDER', `the bundle of ${trustDomain} has sequence ${bundle.sequence}, and ${known.sequence} was there before (SPIFFE-31)`);
  }
  return { bundle, dropped };
}

/** A bundle out of its parts. */
export function federatedBundle(trustDomain: TrustDomainName, certificates: readonly Certificate[], { sequence, refreshHintSeconds }: Pick<SpiffeBundle, 'sequence' | 'refreshHintSeconds'>): FederatedBundle {
  const roots = [...certificates].sort((a, b) => Buffer.compare(a.der, b.der));
  const hash = createHash('sha256');
  for (const { der } of roots) hash.update(der);
  return { trustDomain, sequence, refreshHintSeconds, roots, caPem: roots.map(({ der }) => encodePem('CERTIFICATE', der)).join(''), sha256: hash.digest('hex') };
}

function parse(document: string, trustDomain: TrustDomainName): ReturnType<typeof parseSpiffeBundle> {
  try {
    return parseSpiffeBundle(document, trustDomain);
  } catch (cause) {
    if (!isMtlsdError(cause)) throw cause;
    throw new MtlsdError('FEDERATION_BUNDLE_REFUSED', cause.message, { cause });
  }
}

/** A root that is an authority, and not one of a third trust domain: such a document was mistaken for another, or lies (SPIFFE-12, SPIFFE-13). */
function rootOf(der: Uint8Array, index: number, trustDomain: TrustDomainName): Certificate {
  const certificate = read(der, index, trustDomain);
  if (certificate.basicConstraints?.ca !== true) throw refused(trustDomain, `its root ${index} is no authority (SPIFFE-12)`);
  for (const uri of certificate.subjectAltName?.uris ?? []) {
    const named = trustDomainIn(uri);
    if (named !== undefined && named !== trustDomain) throw refused(trustDomain, `its root ${index} is of trust domain ${named} (SPIFFE-13)`);
  }
  return certificate;
}

function read(der: Uint8Array, index: number, trustDomain: TrustDomainName): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    if (!isMtlsdError(cause)) throw cause;
    throw new MtlsdError('FEDERATION_BUNDLE_REFUSED', `the bundle of ${trustDomain} is refused: its root ${index} cannot be read`, { cause });
  }
}

function trustDomainIn(uri: string): string | undefined {
  try {
    return uri.startsWith('spiffe://') ? parseSpiffeId(uri).trustDomain : undefined;
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return undefined;
  }
}

function refused(trustDomain: TrustDomainName, why: string): MtlsdError<'FEDERATION_BUNDLE_REFUSED'> {
  return new MtlsdError('FEDERATION_BUNDLE_REFUSED', `the bundle of ${trustDomain} is refused: ${why}`);
}
