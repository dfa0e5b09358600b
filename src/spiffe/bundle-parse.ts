import { createPublicKey, X509Certificate } from 'node:crypto';
import { MtlsdError } from '../errors/index.ts';
import { bundleBytesMax, bundleElementsMax, type JwtBundleKey, type PublicJwk, refreshHintSecondsMax, sequenceMax, type SpiffeBundle } from './bundle.ts';
import { quote } from './quote.ts';
import type { TrustDomainName } from './trust-domain.ts';

type Members = Readonly<Record<string, unknown>>;
/** What publishers write by mistake. Anything else is not repeated: it goes to logs, and is a stranger's. */
const usualMistakes = /^(?:sig|enc|x509-svid|jwt-svid)$/iu;

/** What an element turned out to be, or why it is dropped. */
type Element = { readonly root: Uint8Array } | { readonly jwtKey: JwtBundleKey } | { readonly dropped: string };

/** Raised inside this file only: the rule and the sentence; the public function adds whose bundle it is. */
class Broken extends Error {
  readonly rule: string;
  constructor(rule: string, sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.rule = rule;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON with `spiffe_sequence` as a bigint made of the digits in the text: a double would round beyond 2^53. */
function parseJson(text: string): unknown {
  const keepDigits = (key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const digits = context?.source ?? '';
    return key === 'spiffe_sequence' && typeof value === 'number' && /^(?:0|[1-9]\d{0,19})$/u.test(digits) ? BigInt(digits) : value;
  };
  try {
    return JSON.parse(text, keepDigits);
  } catch (cause) {
    throw new Broken('SPIFFE-18', 'it is not JSON', cause);
  }
}

/** A missing sequence counts as 0: it orders before every other, and is never required (SPIFFE-19, 24). */
function sequenceOf(value: unknown): bigint {
  if (value === undefined) return 0n;
  if (typeof value === 'bigint' && value <= sequenceMax) return value;
  throw new Broken('SPIFFE-19', `spiffe_sequence is no integer from 0 to ${sequenceMax}`);
}

function refreshHintOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= refreshHintSecondsMax) return value;
  throw new Broken('SPIFFE-20', `spiffe_refresh_hint is no number of whole seconds from 0 to ${refreshHintSecondsMax}`);
}

function keysOf(document: Members): readonly unknown[] {
  const keys = document['keys'];
  if (keys === undefined) throw new Broken('SPIFFE-18', 'it has no "keys"');
  if (!Array.isArray(keys)) throw new Broken('SPIFFE-18', '"keys" is not an array');
  if (keys.length > bundleElementsMax) throw new Broken('SPIFFE-18', `"keys" has ${keys.length} elements, more than ${bundleElementsMax}`);
  return keys;
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/u.test(text);
}

/** SPIFFE-22: only the first certificate counts. */
function x509Element(members: Members): Element {
  const x5c: unknown = members['x5c'];
  if (!Array.isArray(x5c) || x5c.length === 0) return { dropped: 'has no x5c (SPIFFE-22)' };
  const first: unknown = x5c[0];
  if (typeof first !== 'string' || !isBase64(first)) return { dropped: 'has an x5c that is not base64 (SPIFFE-22)' };
  const der = new Uint8Array(Buffer.from(first, 'base64'));
  try {
    // Read back: OpenSSL takes a certificate with bytes behind it, which would be another element in each copy.
    if (Buffer.compare(new X509Certificate(der).raw, der) !== 0) return { dropped: 'has bytes after the certificate in x5c (SPIFFE-22)' };
  } catch {
    return { dropped: 'has an x5c that is not a DER certificate (SPIFFE-22)' };
  }
  return { root: der };
}

function publicJwkOf(members: Members): PublicJwk | undefined {
  const { kty, crv, x, y, n, e } = members as Readonly<Record<'kty' | 'crv' | 'x' | 'y' | 'n' | 'e', unknown>>;
  if (kty === 'EC' && typeof crv === 'string' && typeof x === 'string' && typeof y === 'string') return { kty, crv, x, y };
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string') return { kty, n, e };
  return undefined;
}

/** SPIFFE-23, and SPIFFE-26 for the kinds of key: an Ed25519 or symmetric key checks no JWT-SVID. */
function jwtElement(members: Members): Element {
  const keyId = members['kid'];
  if (typeof keyId !== 'string' || keyId === '') return { dropped: 'has no kid (SPIFFE-23)' };
  if ('d' in members || 'k' in members) return { dropped: 'holds a private or symmetric key: its publisher must replace that key' };
  const jwk = publicJwkOf(members);
  if (jwk === undefined) return { dropped: 'is neither an EC nor an RSA public key (SPIFFE-26)' };
  try {
    createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    return { dropped: 'is not a valid public key (SPIFFE-26)' };
  }
  return { jwtKey: { keyId, jwk } };
}

/** SPIFFE-21: an element that is not understood is left out, the document stays. */
function readElement(element: unknown): Element {
  if (!isObject(element)) return { dropped: 'is not an object' };
  if (typeof element['kty'] !== 'string') return { dropped: 'has no kty (SPIFFE-21)' };
  const use = element['use'];
  if (use === 'x509-svid') return x509Element(element);
  if (use === 'jwt-svid') return jwtElement(element);
  if (typeof use !== 'string') return { dropped: 'has no use (SPIFFE-21)' };
  return { dropped: `has ${usualMistakes.test(use) ? `the unknown use ${quote(use)}` : 'an unknown use'} (SPIFFE-21)` };
}

interface Collected {
  readonly x509Roots: Uint8Array[];
  readonly jwtKeys: JwtBundleKey[];
  readonly dropped: string[];
}

function collect(elements: readonly unknown[]): Collected {
  const collected: Collected = { x509Roots: [], jwtKeys: [], dropped: [] };
  const seenRoots = new Set<string>();
  const seenKeyIds = new Set<string>();
  for (const [index, element] of elements.entries()) {
    const read = readElement(element);
    const drop = (why: string): number => collected.dropped.push(`keys[${index}] ${why}`);
    if ('dropped' in read) {
      drop(read.dropped);
    } else if ('root' in read) {
      const key = Buffer.from(read.root).toString('base64');
      if (seenRoots.has(key)) drop('repeats an earlier certificate');
      else collected.x509Roots.push(read.root);
      seenRoots.add(key);
    } else {
      // Which of two keys a kid means must not depend on the reader: the first one stays, and the log says so.
      if (seenKeyIds.has(read.jwtKey.keyId)) drop(`repeats the kid ${quote(read.jwtKey.keyId)} (SPIFFE-23)`);
      else collected.jwtKeys.push(read.jwtKey);
      seenKeyIds.add(read.jwtKey.keyId);
    }
  }
  return collected;
}

/**
 * Reads the SPIFFE bundle document `text` of `trustDomain` (SPIFFE-18 to 24). Elements that are not understood are left
 * out, and `dropped` says why each was; an empty `keys` is a bundle that trusts nothing.
 *
 * @throws MtlsdError `SPIFFE_BUNDLE_INVALID` when the document as a whole cannot be read, or exceeds 1 MiB or 1,024 elements
 */
export function parseSpiffeBundle(
  text: string,
  trustDomain: TrustDomainName,
): { readonly bundle: SpiffeBundle; readonly dropped: readonly string[] } {
  try {
    if (text.length > bundleBytesMax || Buffer.byteLength(text) > bundleBytesMax) {
      throw new Broken('SPIFFE-18', `it is larger than ${bundleBytesMax} bytes`);
    }
    const document = parseJson(text);
    if (!isObject(document)) throw new Broken('SPIFFE-18', 'it is not a JSON object');
    const { x509Roots, jwtKeys, dropped } = collect(keysOf(document));
    const sequence = sequenceOf(document['spiffe_sequence']);
    const refreshHintSeconds = refreshHintOf(document['spiffe_refresh_hint']);
    return { bundle: { trustDomain, x509Roots, jwtKeys, sequence, refreshHintSeconds }, dropped };
  } catch (cause) {
    if (!(cause instanceof Broken)) throw cause;
    throw new MtlsdError('SPIFFE_BUNDLE_INVALID', `The bundle of ${trustDomain} is refused: ${cause.message} (${cause.rule}).`, {
      details: { trustDomain, rule: cause.rule },
      cause,
    });
  }
}
