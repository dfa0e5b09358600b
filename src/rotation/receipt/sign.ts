import { createPublicKey, sign } from 'node:crypto';
import type { AuditKey } from './audit-key.ts';
import { canonicalJson, digestOf } from './canonical.ts';
import { boundedDocument, receiptFormat, type ReceiptDocument } from './document.ts';

/** What a signature is called: ECDSA over P-256 with SHA-256, DER. */
export const signatureAlgorithm = 'ECDSA-P256-SHA256';

/** What is signed: the document, what format it has, and a digest of each part, which says where a changed one differs. */
export interface SignedReceipt extends ReceiptDocument {
  readonly format: typeof receiptFormat;
  /** SHA-256 (hexadecimal) over the canonical form of each part, by its name. */
  readonly digests: Readonly<Record<string, string>>;
}

/** A receipt as it lies in a file: the canonical form of this, and a line break. */
export interface ReceiptFile {
  readonly receipt: SignedReceipt;
  readonly signature: {
    readonly algorithm: typeof signatureAlgorithm;
    /** SHA-256 over the public key's SubjectPublicKeyInfo, hexadecimal. */
    readonly keyId: string;
    /** SubjectPublicKeyInfo, base64. It proves nothing by itself: compare `keyId` with a key that you trust. */
    readonly publicKey: string;
    /** Over the canonical form of `receipt`, base64. */
    readonly value: string;
  };
}

/**
 * Signs what a rotation came to. The result is the text of the file: canonical JSON, so that the signed bytes stand in it as they
 * are, between `{"receipt":` and `,"signature":{`.
 */
export function signReceipt(document: ReceiptDocument, key: AuditKey): string {
  const bounded = boundedDocument(document);
  const digests = Object.fromEntries(Object.entries(bounded).map(([name, part]) => [name, digestOf(part)]));
  const receipt: SignedReceipt = { ...bounded, format: receiptFormat, digests };
  const value = sign('sha256', Buffer.from(canonicalJson(receipt), 'utf8'), key.keyPair.privateKey).toString('base64');
  const publicKey = createPublicKey(key.keyPair.privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  const file: ReceiptFile = { receipt, signature: { algorithm: signatureAlgorithm, keyId: key.keyId, publicKey, value } };
  return `${canonicalJson(file)}\n`;
}
