import { backdateMs, type Authority, type SigningLease } from '../authority/index.ts';
import { MtlsdError } from '../errors/index.ts';
import { encodePem, keyPairFromPem, serialNumberText, signData, type KeyPair, type PublicKey } from '../x509/index.ts';
import type { Grant } from './policy.ts';
import { lintTemplate, type LintedTemplate } from './linted-template.ts';

/** A signed X.509-SVID with what its readers need to know. Times in milliseconds since the epoch. */
export interface IssuedSvid {
  readonly spiffeId: string;
  /** Leaf, then issuing authority, PEM: the chain that the holder presents. */
  readonly chainPem: string;
  readonly leafDer: Uint8Array;
  /** Lower-case hexadecimal of the INTEGER's content octets, as a parsed certificate shows it. */
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Key identifier of the authority that signed. */
  readonly issuer: string;
}

/**
 * One active issuing authority, ready to sign: its key is open and its template has been linted. There is no way to sign
 * but through `issue`, which takes a Grant (policy), a validated PublicKey and a lease.
 */
export class Issuer {
  readonly keyIdentifier: string;
  readonly signerEpoch: number;
  readonly #authority: Authority;
  readonly #keyPair: KeyPair;
  readonly #template: LintedTemplate;

  private constructor(authority: Authority, signerEpoch: number, keyPair: KeyPair, template: LintedTemplate) {
    this.keyIdentifier = authority.keyIdentifier;
    this.signerEpoch = signerEpoch;
    this.#authority = authority;
    this.#keyPair = keyPair;
    this.#template = template;
  }

  /**
   * Opens an active issuing authority. @throws ISSUANCE_LINT_FAILED, X509_TEMPLATE_UNSOUND when what it would sign breaks
   * a rule: nothing is signed then
   */
  static async open(authority: Authority, signerEpoch: number): Promise<Issuer> {
    if (authority.role !== 'Issuing' || authority.state !== 'Active' || authority.privateKeyPem === undefined) {
      throw new Error('invariant broken: only an active issuing authority signs leaves');
    }
    const keyPair = keyPairFromPem(authority.privateKeyPem);
    return new Issuer(authority, signerEpoch, keyPair, await lintTemplate(authority.certificate, keyPair.algorithm));
  }

  /** The authority's own end, in milliseconds since the epoch. */
  get notAfterMs(): number {
    return this.#authority.certificate.notAfterMs;
  }

  /**
   * Signs one leaf. The lease is checked with the same reading of the clock that sets notAfter.
   * @param serialNumber 16 random octets
   * @throws ISSUANCE_LEASE_LOST, ISSUANCE_ISSUER_NOT_VALID, ISSUANCE_ISSUER_ENDS
   */
  issue(grant: Grant, publicKey: PublicKey, serialNumber: Uint8Array, lease: SigningLease, nowMs: number): IssuedSvid {
    const { notBeforeMs, notAfterMs } = this.#validity(grant, lease, nowMs);
    const { spiffeId, dnsNames, commonName } = grant;
    const toBeSigned = this.#template.toBeSigned({ serialNumber, notBeforeMs, notAfterMs, publicKey, spiffeId, dnsNames, commonName });
    const signature = signData(this.#keyPair.privateKey, this.#keyPair.algorithm, toBeSigned);
    const leafDer = this.#template.assemble(toBeSigned, signature);
    return {
      spiffeId: spiffeId.toString(),
      chainPem: encodePem('CERTIFICATE', leafDer) + this.#authority.certificatePem,
      leafDer,
      serialNumber: serialNumberText(serialNumber),
      notBeforeMs,
      notAfterMs,
      issuer: this.keyIdentifier,
    };
  }

  #validity(grant: Grant, lease: SigningLease, nowMs: number): { notBeforeMs: number; notAfterMs: number } {
    const { trustDomain } = grant.spiffeId;
    if (!lease.permits(trustDomain, this.signerEpoch, nowMs)) {
      throw new MtlsdError('ISSUANCE_LEASE_LOST', `no signing lease for epoch ${this.signerEpoch} of ${trustDomain}: nothing was signed; the replica that holds the lease signs`);
    }
    const issuer = this.#authority.certificate;
    const details = { issuer: this.keyIdentifier };
    if (nowMs < issuer.notBeforeMs || nowMs >= issuer.notAfterMs) {
      const when = nowMs < issuer.notBeforeMs ? 'not valid yet: check the clock of this machine' : 'expired';
      throw new MtlsdError('ISSUANCE_ISSUER_NOT_VALID', `issuing authority ${this.keyIdentifier} is ${when}; nothing was signed`, { details });
    }
    const nowSecondMs = Math.floor(nowMs / 1000) * 1000;
    const notBeforeMs = Math.max(nowSecondMs - backdateMs, issuer.notBeforeMs);
    const notAfterMs = grant.wholeLifeMs === undefined ? nowSecondMs + grant.ttlMs : notBeforeMs + grant.wholeLifeMs;
    if (notAfterMs > issuer.notAfterMs) {
      const end = new Date(issuer.notAfterMs).toISOString();
      throw new MtlsdError('ISSUANCE_ISSUER_ENDS', `issuing authority ${this.keyIdentifier} ends at ${end}, before a certificate of ${grant.ttlMs / 1000}s would; nothing was signed. A TTL that ends before it is signed at once, this one by the next issuing authority: the conditions of the TrustDomain say what hinders it`, { details });
    }
    return { notBeforeMs, notAfterMs };
  }
}
