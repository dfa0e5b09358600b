/**
 * The audit log: one structured record a decision, free of personal data, each a line of a hash chain with signed checkpoints.
 * A record names objects and SPIFFE IDs, never a key, a token, an address or a person. Pure: the port that the daemon records
 * through, how lines are written, and how they are verified. Where they go, and where the keys are kept, is for the composition root.
 */
export { Chain, type ChainHead } from './chain.ts';
export { checkpointKeyId, signCheckpoint, type Checkpoint, type CheckpointKey } from './checkpoint.ts';
export { anchoredHeads, decodeHeads, encodeHeads, noHeads, withHead, type AuditHeads } from './heads.ts';
export { hashOf, lineBytesMax, parseLine, type AuditLine, type LineContent } from './line.ts';
export { Pseudonyms, withoutPersons } from './person.ts';
export type { AuditCount, AuditDecision, AuditLog, AuditRecord } from './record.ts';
export { verifyAudit, type AuditFinding, type AuditVerdict, type ChainVerdict } from './verify/verify.ts';
