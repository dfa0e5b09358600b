/** Issuers of tokens for tests: keys of every kind, tokens with whatever header and claims, and the rules that fit. */
import { generateKeyPairSync, sign, constants, type KeyObject } from 'node:crypto';
import { keysFor, readKeySet, verifyToken, type IssuerRules, type KeySource, type TokenAlgorithm, type TokenDecision } from '../../src/tokens/index.ts';

export const nowMs = Date.UTC(2026, 10, 25, 12);
export const nowSeconds = nowMs / 1000;
export const issuer = 'https://issuer.example';

/** A key that signs, with its public half as an issuer publishes it. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: TokenAlgorithm;
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

export function signingKey(algorithm: TokenAlgorithm, kid: string): SigningKey {
  const pair =
    algorithm === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : curves[algorithm] === undefined
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: curves[algorithm] });
  return { kid, algorithm, privateKey: pair.privateKey, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: algorithm } };
}

export const claims = { iss: issuer, sub: 'service-7', aud: 'api', iat: nowSeconds - 10, exp: nowSeconds + 300, scope: 'read write' };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token by node:crypto alone, so that the library which verifies has no part in making it. */
export function token(key: SigningKey, payload: object = claims, header: object = {}): string {
  const input = `${encode({ alg: key.algorithm, kid: key.kid, typ: 'JWT', ...header })}.${encode(payload)}`;
  return `${input}.${signature(key, Buffer.from(input)).toString('base64url')}`;
}

function signature({ algorithm, privateKey }: SigningKey, data: Buffer): Buffer {
  if (algorithm === 'EdDSA') return sign(null, data, privateKey);
  const hash = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith('ES')) return sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  if (algorithm.startsWith('PS')) return sign(hash, data, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
  return sign(hash, data, privateKey);
}

/** A token of parts that are encoded as they stand. */
export function unsignedToken(header: unknown, payload: unknown, end = 'c2ln'): string {
  return `${encode(header)}.${encode(payload)}.${end}`;
}

const rules: IssuerRules = {
  issuer,
  audiences: ['api'],
  algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA', 'ES384', 'ES512'],
  types: ['JWT', undefined],
  scopes: [],
  requiredClaims: [],
  clockToleranceMs: 0,
  maxLifetimeMs: undefined,
};

/** Keys that are there at once. */
export function keysOf(...keys: readonly { readonly jwk: object }[]): KeySource {
  const set = readKeySet(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  return {
    find: (wanted) => {
      const found = keysFor(set?.keys ?? [], wanted);
      return found.length === 0 ? { kind: 'unknown' } : { kind: 'found', keys: found };
    },
  };
}

export function judge(text: string, keys: KeySource, changes: Partial<IssuerRules> = {}, atMs = nowMs): Promise<TokenDecision> {
  return verifyToken(text, new Map([[changes.issuer ?? issuer, { rules: { ...rules, ...changes }, keys }]]), atMs);
}
