import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { JwtAlgorithm, JwtAuthority, SigningLease } from '../authority/index.ts';
import { MtlsdError } from '../errors/index.ts';
import { parseTrustDomainName, workloadSpiffeId, type TrustDomainName } from '../spiffe/index.ts';
import { keyPairFromPem } from '../x509/index.ts';
import type { TokenGrant } from './jwt-policy.ts';
import { lintToken } from './jwt-rules.ts';

/** A signed JWT-SVID with what its readers need to know. Times in milliseconds since the epoch. */
export interface IssuedToken {
  /** Compact serialisation (SPIFFE-25). */
  readonly token: string;
  readonly spiffeId: string;
  readonly audience: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** `kid` of the key that signed it. */
  readonly keyId: string;
  /** `jti`. */
  readonly tokenId: string;
}

/** What tokens of one trust domain have in common. */
export interface JwtIssuerSettings {
  readonly trustDomain: TrustDomainName;
  /** `iss`; undefined: tokens have none. */
  readonly issuer: string | undefined;
  /** Of the lease that signing needs. */
  readonly signerEpoch: number;
}

/**
 * One active JWT authority, ready to sign: its key is open, fits what is published of it, and what it is going to say has been
 * linted. There is no way to sign but through `issue`, which takes a TokenGrant (policy) and a lease.
 */
export class JwtIssuer {
  readonly keyIdentifier: string;
  readonly algorithm: JwtAlgorithm;
  readonly settings: JwtIssuerSettings;
  readonly #key: KeyObject;
  /** The header, encoded, with the dot behind it. */
  readonly #head: string;

  private constructor(authority: JwtAuthority, settings: JwtIssuerSettings, key: KeyObject) {
    this.keyIdentifier = authority.keyIdentifier;
    this.algorithm = authority.algorithm;
    this.settings = settings;
    this.#key = key;
    this.#head = `${encode(headerOf(authority))}.`;
  }

  /** @throws ISSUANCE_LINT_FAILED when what it would sign breaks a rule: nothing is signed then */
  static open(authority: JwtAuthority, settings: JwtIssuerSettings): JwtIssuer {
    if (authority.state !== 'Active' || authority.privateKeyPem === undefined) throw new Error('invariant broken: only an active JWT authority signs tokens');
    const opened = new JwtIssuer(authority, settings, keyPairFromPem(authority.privateKeyPem).privateKey);
    const sample = claimsOf({ spiffeId: workloadSpiffeId(parseTrustDomainName(settings.trustDomain), '/lint'), audience: ['lint'], ttlMs: 60_000 }, settings, 1, 'lint');
    const findings = [...lintToken({ header: headerOf(authority), claims: sample }), ...(opened.#fits(authority) ? [] : ['its key is not the one that is published'])];
    if (findings.length === 0) return opened;
    throw new MtlsdError('ISSUANCE_LINT_FAILED', `the tokens of JWT authority ${authority.keyIdentifier} break ${findings.join('; ')}; nothing was signed`, { details: { findings } });
  }

  /**
   * Signs one token. The lease is checked with the same reading of the clock that sets `exp`: what a replica can have signed that
   * was paused afterwards ends by then.
   * @param tokenId 128 random bits
   * @throws ISSUANCE_LEASE_LOST
   */
  issue(grant: TokenGrant, tokenId: Uint8Array, lease: SigningLease, nowMs: number): IssuedToken {
    const { trustDomain, signerEpoch } = this.settings;
    if (grant.spiffeId.trustDomain !== trustDomain) throw new Error('invariant broken: a token is signed by a key of its own trust domain');
    if (!lease.permits(trustDomain, signerEpoch, nowMs)) {
      throw new MtlsdError('ISSUANCE_LEASE_LOST', `no signing lease for epoch ${signerEpoch} of ${trustDomain}: nothing was signed; the replica that holds the lease signs`);
    }
    const jti = Buffer.from(tokenId).toString('base64url');
    const claims = claimsOf(grant, this.settings, Math.floor(nowMs / 1000), jti);
    const text = this.#head + encode(claims);
    const token = `${text}.${this.#sign(text).toString('base64url')}`;
    return { token, spiffeId: claims.sub, audience: claims.aud, issuedAtMs: claims.iat * 1000, expiresAtMs: claims.exp * 1000, keyId: this.keyIdentifier, tokenId: jti };
  }

  /** RFC 7518 §3.3 and §3.4: PKCS#1 v1.5, or the two numbers of ECDSA side by side and not as DER. */
  #sign(text: string): Buffer {
    return sign('sha256', Buffer.from(text, 'latin1'), { key: this.#key, dsaEncoding: 'ieee-p1363' });
  }

  /** Whether readers of what is published of the key can verify what it signs. */
  #fits({ jwk }: JwtAuthority): boolean {
    const text = `${this.#head}${encode({ lint: true })}`;
    return verify('sha256', Buffer.from(text, 'latin1'), { key: createPublicKey({ key: { ...jwk }, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, this.#sign(text));
  }
}

function headerOf({ algorithm, keyIdentifier }: JwtAuthority) {
  return { alg: algorithm, kid: keyIdentifier, typ: 'JWT' };
}

/** No `nbf`: a verifier whose clock is behind would refuse what was made a moment ago. */
function claimsOf({ spiffeId, audience, ttlMs }: Omit<TokenGrant, symbol>, { issuer }: JwtIssuerSettings, nowSeconds: number, jti: string) {
  return {
    ...(issuer === undefined ? {} : { iss: issuer }),
    sub: spiffeId.toString(),
    aud: audience,
    iat: nowSeconds,
    exp: nowSeconds + Math.floor(ttlMs / 1000),
    jti,
  };
}

/** Everything in it is ASCII: IDs, audiences and URLs are held to that. */
function encode(part: object): string {
  return Buffer.from(JSON.stringify(part), 'latin1').toString('base64url');
}
