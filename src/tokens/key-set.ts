import { createPublicKey, type KeyObject } from 'node:crypto';
import type { TokenAlgorithm } from './rules.ts';

/** A public key that an issuer signs with. */
export interface TokenKey {
  readonly kid: string | undefined;
  /** The algorithms that a key of this kind can be used with, narrowed by what its `alg` says. */
  readonly algorithms: readonly TokenAlgorithm[];
  readonly publicKey: KeyObject;
}

/** The key that a token says it was signed with: any of its issuer's when it names none. */
export interface WantedKey {
  readonly kid: string | undefined;
  readonly algorithm: TokenAlgorithm;
}

/** Those of `keys` that a token may have been signed with. */
export function keysFor(keys: readonly TokenKey[], { kid, algorithm }: WantedKey): readonly TokenKey[] {
  return keys.filter((key) => key.algorithms.includes(algorithm) && (kid === undefined || key.kid === kid));
}

/** A key set as it is used: what cannot be used is named and left out, so that one bad element costs no other. */
export interface KeySet {
  readonly keys: readonly TokenKey[];
  readonly dropped: readonly string[];
}

/** More keys than any issuer has; what follows is not looked at. */
const keysMax = 64;
/** RFC 7518 §3.3. */
const rsaBitsMin = 2048;
const rsaBitsMax = 8192;

const rsaAlgorithms: readonly TokenAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const curveAlgorithms: Readonly<Record<string, TokenAlgorithm>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };

/** Members that only a private or symmetric key has (RFC 7518 §6). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

type Element = Readonly<Record<string, unknown>>;

/** What a set of keys is: one for signatures (RFC 7517 §4.2), or a SPIFFE bundle, of which the keys of JWT-SVIDs count and no other. */
export type KeyUse = 'sig' | 'jwt-svid';

/** Reads a JWK Set (RFC 7517 §5). Returns undefined when the text is none: then the keys that were there before stay. */
export function readKeySet(text: string, use: KeyUse = 'sig'): KeySet | undefined {
  const document = parse(text);
  if (!isObject(document) || !Array.isArray(document['keys'])) return undefined;
  const elements: readonly unknown[] = document['keys'];
  const keys: TokenKey[] = [];
  const dropped = elements.length > keysMax ? [`${elements.length - keysMax} keys beyond the first ${keysMax}`] : [];
  for (const [index, element] of elements.slice(0, keysMax).entries()) {
    // A bundle has roots, too, and uses that are not known yet: neither is a mistake.
    if (use === 'jwt-svid' && isObject(element) && element['use'] !== use) continue;
    const read = readKey(element, use);
    if (typeof read === 'string') dropped.push(`key ${index}: ${read}`);
    else keys.push(read);
  }
  return { keys, dropped };
}

/** A key, or why it cannot be used. */
function readKey(element: unknown, wanted: KeyUse): TokenKey | string {
  if (!isObject(element)) return 'it is no object';
  if (secretMembers.some((name) => Object.hasOwn(element, name))) return 'it holds a private or symmetric key: whoever reads it can sign, so nothing that it signed is accepted';
  const { use, key_ops: operations, kid, alg } = element;
  if (use !== undefined && use !== wanted) return 'it is not for signatures (use)';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return 'it is not for verifying (key_ops)';
  if (kid !== undefined && typeof kid !== 'string') return 'its kid is no text';
  const usable = algorithmsOf(element);
  if (typeof usable === 'string') return usable;
  const algorithms = alg === undefined ? usable : usable.filter((algorithm) => algorithm === alg);
  if (algorithms.length === 0) return 'its alg does not belong to a key of its kind';
  return withPublicKey(element, kid, algorithms);
}

function algorithmsOf({ kty, crv }: Element): readonly TokenAlgorithm[] | string {
  if (kty === 'RSA') return rsaAlgorithms;
  if (kty === 'OKP') return crv === 'Ed25519' ? ['EdDSA'] : 'its curve is not known';
  if (kty !== 'EC') return 'its type is not known (kty)';
  const algorithm = typeof crv === 'string' && Object.hasOwn(curveAlgorithms, crv) ? curveAlgorithms[crv] : undefined;
  return algorithm === undefined ? 'its curve is not known' : [algorithm];
}

function withPublicKey(element: Element, kid: string | undefined, algorithms: readonly TokenAlgorithm[]): TokenKey | string {
  try {
    const publicKey = createPublicKey({ key: element, format: 'jwk' });
    const bits = publicKey.asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && (bits < rsaBitsMin || bits > rsaBitsMax)) return `it is an RSA key of ${bits} bits: ${rsaBitsMin} to ${rsaBitsMax} are accepted`;
    return { kid, algorithms, publicKey };
  } catch {
    return 'it is no valid public key';
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
