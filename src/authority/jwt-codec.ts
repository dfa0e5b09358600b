import { createPublicKey } from 'node:crypto';
import type { PublicJwk } from '../spiffe/index.ts';
import { keyPairFromPem, validatePublicKey } from '../x509/index.ts';
import type { AuthorityState, JwtAlgorithm, JwtAuthorities, JwtAuthority } from './record.ts';

const states: readonly AuthorityState[] = ['Prepared', 'Active', 'Retiring'];
/** The one kind of key of each algorithm. */
const keyAlgorithms = { ES256: 'ECDSAP256', RS256: 'RSA2048' } as const satisfies Readonly<Record<JwtAlgorithm, string>>;
const times = ['publishedAt', 'activatedAt', 'retiredAt'] as const;

type EncodedTimes = Readonly<Partial<Record<(typeof times)[number], string>>>;

interface EncodedKey extends EncodedTimes {
  readonly keyIdentifier: string;
  readonly algorithm: JwtAlgorithm;
  readonly state: AuthorityState;
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string;
}

/** JWT authorities as a record holds them; their private keys are files of their own. */
export interface EncodedJwt {
  readonly sequence: number;
  readonly keys: readonly EncodedKey[];
}

/** The kind of key that an algorithm signs with. */
export function jwtKeyAlgorithm(algorithm: JwtAlgorithm): (typeof keyAlgorithms)[JwtAlgorithm] {
  return keyAlgorithms[algorithm];
}

/** A public key as verifiers of tokens get it (RFC 7518 §6). */
export function jwkOf(spki: Uint8Array): PublicJwk {
  const { kty, crv, x, y, n, e } = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  if (kty === 'EC' && crv !== undefined && x !== undefined && y !== undefined) return { kty, crv, x, y };
  if (kty === 'RSA' && n !== undefined && e !== undefined) return { kty, n, e };
  throw new Error('invariant broken: a JWT authority has an EC or an RSA key');
}

/** See `EncodedJwt`. */
export function encodeJwt({ sequence, keys }: JwtAuthorities): EncodedJwt {
  return {
    sequence,
    keys: keys.map((key) => ({
      keyIdentifier: key.keyIdentifier,
      algorithm: key.algorithm,
      state: key.state,
      publicKey: Buffer.from(key.spki).toString('base64'),
      ...Object.fromEntries(times.flatMap((name) => (key[`${name}Ms`] === undefined ? [] : [[name, new Date(key[`${name}Ms`] ?? 0).toISOString()]]))),
    })),
  };
}

/** The private keys: file names and PEM. */
export function jwtKeyFiles(jwt: JwtAuthorities | undefined): readonly (readonly [string, string])[] {
  return (jwt?.keys ?? []).flatMap(({ keyIdentifier, privateKeyPem }) => (privateKeyPem === undefined ? [] : [[fileOf(keyIdentifier), privateKeyPem] as const]));
}

/**
 * @param read gives the text of a file of the record
 * @throws {Error} when something is missing or does not fit; the message never holds key material
 */
export function decodeJwt({ sequence, keys }: EncodedJwt, read: (file: string) => string | undefined): JwtAuthorities {
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new Error('the sequence of its JWT authorities is no positive integer');
  return { sequence, keys: keys.map((key) => decodeKey(key, read)) };
}

function decodeKey(encoded: EncodedKey, read: (file: string) => string | undefined): JwtAuthority {
  const { keyIdentifier, algorithm, state } = encoded;
  if (!states.includes(state) || !Object.hasOwn(keyAlgorithms, algorithm)) throw new Error('a JWT authority has an unknown state or algorithm');
  const publicKey = validatePublicKey(Buffer.from(encoded.publicKey, 'base64'));
  if (publicKey.keyIdentifier !== keyIdentifier || publicKey.algorithm !== keyAlgorithms[algorithm]) throw new Error(`JWT authority ${keyIdentifier} bears another key`);
  const [publishedAtMs, activatedAtMs, retiredAtMs] = times.map((name) => instant(encoded[name]));
  return { keyIdentifier, algorithm, state, spki: publicKey.spki, jwk: jwkOf(publicKey.spki), privateKeyPem: privateKeyOf(encoded, read), publishedAtMs, activatedAtMs, retiredAtMs };
}

/** Opened once to compare, then dropped. */
function privateKeyOf({ keyIdentifier, state }: EncodedKey, read: (file: string) => string | undefined): string | undefined {
  const pem = read(fileOf(keyIdentifier));
  if (state === 'Retiring') return undefined;
  if (pem === undefined) throw new Error(`the key of JWT authority ${keyIdentifier} is missing`);
  if (keyPairFromPem(pem).publicKey.keyIdentifier !== keyIdentifier) throw new Error(`JWT authority ${keyIdentifier} bears another key`);
  return pem;
}

/** @throws {Error} for what no change makes */
export function assertJwt(jwt: JwtAuthorities | undefined): void {
  const keys = jwt?.keys ?? [];
  if (new Set(keys.map(({ keyIdentifier }) => keyIdentifier)).size !== keys.length) throw new Error('a JWT authority stands in it twice');
  for (const state of ['Prepared', 'Active'] as const) if (keys.filter((key) => key.state === state).length > 1) throw new Error(`two JWT authorities are ${state}`);
  if (keys.some(({ state, publishedAtMs }) => state === 'Active' && publishedAtMs === undefined)) throw new Error('a JWT authority signs that was not published');
}

function fileOf(keyIdentifier: string): string {
  return `jwt-${keyIdentifier}.key`;
}

function instant(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Error('a time in it does not parse');
  return at;
}
