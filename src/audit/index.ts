/**
 * The audit port: one structured record a decision, free of personal data. The composition root gives it a sink. A record
 * names objects and SPIFFE IDs, never a key, a token, an address or a person.
 */

/** What was decided. */
export type AuditDecision = 'issued' | 'renewed' | 'refused' | 'deleted' | 'authority-created' | 'authority-turned-over' | 'authority-dropped' | 'authority-rotation' | 'audit-key-created' | 'receipt-signed' | 'token-refused';

/** One decision. */
export interface AuditRecord {
  readonly decision: AuditDecision;
  /** `Kind namespace/name`. */
  readonly object: string;
  readonly trustDomain?: string;
  readonly spiffeId?: string;
  readonly serialNumber?: string;
  /** Key identifier of the authority. */
  readonly authority?: string;
  /** RFC 3339. */
  readonly notAfter?: string;
  readonly reason?: string;
}

/** Where decisions go. Recording never throws into the decision; a sink that fails says so in the log. */
export interface AuditLog {
  record(record: AuditRecord): void;
}
