/**
 * The audit port: one structured record a decision, free of personal data. The composition root gives it a sink. A record
 * names objects and SPIFFE IDs, never a key, a token, an address or a person.
 */
export type { AuditCount, AuditDecision, AuditLog, AuditRecord } from './record.ts';
