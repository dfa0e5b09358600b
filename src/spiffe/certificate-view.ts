/**
 * A certificate as the rules of SPIFFE and RFC 5280 look at it: every field that a rule reads, already parsed, nothing
 * interpreted. `x509/` makes one from DER; the rules of this folder never see DER.
 */
export interface CertificateView {
  /** The certificate, DER. */
  readonly der: Uint8Array;
  /** 1, 2 or 3 (RFC 5280 §4.1.2.1). */
  readonly version: number;
  /** Lower-case hexadecimal of the INTEGER's content octets. */
  readonly serialNumber: string;
  /** Signature algorithm OID, of the outer field; `signatureAlgorithmsMatch` says whether the inner one is the same, parameters included. */
  readonly signatureAlgorithm: string;
  readonly signatureAlgorithmsMatch: boolean;
  readonly issuer: NameView;
  readonly subject: NameView;
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: PublicKeyView;
  /** Every extension in order, with its OID and whether it is critical: unknown critical ones are refused (RFC 5280 §4.2). */
  readonly extensions: readonly ExtensionView[];
  readonly basicConstraints: { readonly critical: boolean; readonly ca: boolean; readonly pathLength: number | undefined } | undefined;
  readonly keyUsage: { readonly critical: boolean; readonly usages: ReadonlySet<KeyUsage> } | undefined;
  readonly extendedKeyUsage: { readonly critical: boolean; readonly usages: readonly string[] } | undefined;
  readonly subjectAltName: SubjectAltNameView | undefined;
  readonly nameConstraints: NameConstraintsView | undefined;
  /** Hexadecimal, lower case. */
  readonly subjectKeyIdentifier: string | undefined;
  readonly authorityKeyIdentifier: string | undefined;
}

/** A distinguished name: its DER for comparison, and a text for people. `empty` when it has no RDN. */
export interface NameView {
  readonly der: Uint8Array;
  readonly text: string;
  readonly empty: boolean;
}

/** A SubjectPublicKeyInfo. */
export interface PublicKeyView {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** `ECDSAP256`, `RSA2048`, … or a description of what is not supported, such as `RSA1024` or `EC secp256k1`. */
  readonly algorithm: string;
}

/** One extension, uninterpreted. */
export interface ExtensionView {
  readonly oid: string;
  readonly critical: boolean;
}

/** Names as they stand in the extension, in order, per type. */
export interface SubjectAltNameView {
  readonly critical: boolean;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emails: readonly string[];
  /** How many names of any other type there are (directoryName, otherName, …). */
  readonly others: number;
}

/** Name constraints by type; `others` counts subtrees of types that the validator cannot apply. */
export interface NameConstraintsView {
  readonly critical: boolean;
  readonly permittedUris: readonly string[];
  readonly excludedUris: readonly string[];
  readonly permittedDnsNames: readonly string[];
  readonly excludedDnsNames: readonly string[];
  readonly others: number;
}

/** RFC 5280 §4.2.1.3. */
export type KeyUsage =
  | 'digitalSignature'
  | 'contentCommitment'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';
