/**
 * Signature algorithms whose hash nobody can collide, by OID. RSA-PSS is left out: its hash stands in the parameters,
 * where SHA-1 is the default, and a view does not show them.
 */
export const signatureAlgorithmOids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  /** The algorithm of its keys too (RFC 8410 §3). */
  ed25519: '1.3.101.112',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha384WithRsa: '1.2.840.113549.1.1.12',
  sha512WithRsa: '1.2.840.113549.1.1.13',
} as const;

const soundSignatureAlgorithms: ReadonlySet<string> = new Set(Object.values(signatureAlgorithmOids));

/** Names of algorithms that people still meet, for the sentence that refuses them. */
const knownUnsound: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.4', 'RSA with MD5'],
  ['1.2.840.113549.1.1.5', 'RSA with SHA-1'],
  ['1.2.840.113549.1.1.10', 'RSA-PSS, whose hash may be SHA-1'],
  ['1.2.840.10045.4.1', 'ECDSA with SHA-1'],
  ['1.2.840.10040.4.3', 'DSA with SHA-1'],
]);

const soundKeys: ReadonlySet<string> = new Set(['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519']);
const rsaBitsMin = 2048;
/** Beyond this, verifying one signature costs a verifier milliseconds: Go's TLS refuses such keys too. */
const rsaBitsMax = 8192;

/** What is wrong with a signature algorithm, a clause that goes on from "the certificate …", or undefined. */
export function signatureAlgorithmProblem(oid: string): string | undefined {
  if (soundSignatureAlgorithms.has(oid)) return undefined;
  const name = knownUnsound.get(oid);
  return name === undefined ? `is signed by ${oid}, which is not supported` : `is signed by ${name}`;
}

/** What is wrong with a public key of that name, a clause that goes on from "the certificate …", or undefined. */
export function publicKeyProblem(algorithm: string): string | undefined {
  if (soundKeys.has(algorithm)) return undefined;
  const [, digits] = /^RSA(\d{1,6})$/u.exec(algorithm) ?? [];
  if (digits === undefined) return `has a key (${algorithm}) that is not supported`;
  const bits = Number(digits);
  if (bits < rsaBitsMin) return `has an RSA key of ${bits} bits, fewer than ${rsaBitsMin}`;
  return bits > rsaBitsMax ? `has an RSA key of ${bits} bits, more than ${rsaBitsMax}` : undefined;
}
