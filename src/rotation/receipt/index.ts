/**
 * The receipt of a rotation: what was done, on what evidence, signed by a key that does nothing else. One JSON document in
 * canonical form, so that any change of a byte shows, and anybody can verify it with OpenSSL alone. Pure: where receipts and the key
 * are kept is for others to say.
 */
export {
  auditKey,
  auditKeyAlgorithm,
  decodeAuditKeys,
  encodeAuditKeys,
  isAuditKeyOld,
  publicKeysPem,
  readPublicKeys,
  replaceAuditKey,
  type AuditKey,
  type AuditKeys,
  type PublicAuditKey,
} from './audit-key.ts';
export { publicKeysEntry } from './document.ts';
export type { EvidenceKind, ReceiptAuthority, ReceiptBundle, ReceiptDocument, ReceiptExemption, ReceiptGate, RotationOutcome } from './document.ts';
export { signReceipt, type ReceiptFile } from './sign.ts';
export { verifyReceipt, type ReceiptVerdict } from './verify.ts';
