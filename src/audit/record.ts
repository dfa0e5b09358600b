/** What was decided. */
export type AuditDecision =
  | 'issued'
  | 'renewed'
  | 'refused'
  | 'deleted'
  | 'authority-created'
  | 'authority-turned-over'
  | 'authority-dropped'
  | 'authority-rotation'
  | 'authority-distrusted'
  | 'audit-key-created'
  | 'receipt-signed'
  | 'bundle-accepted'
  | 'bundle-refused'
  | 'token-issued'
  | 'token-refused';

/** One decision. Everything in it is written as it is, but `subject` and `address`, which the log replaces by keyed hashes. */
export interface AuditRecord {
  readonly decision: AuditDecision;
  /** `Kind namespace/name`. */
  readonly object: string;
  /** SPIFFE ID of who asked, where it is another than `spiffeId`. */
  readonly who?: string;
  readonly trustDomain?: string;
  /** SPIFFE ID that was issued, or that the decision is about. */
  readonly spiffeId?: string;
  /** The profile or rules by which it was decided. */
  readonly policy?: string;
  readonly serialNumber?: string;
  /** `jti` of a token. */
  readonly tokenId?: string;
  /** Key identifier of the authority. */
  readonly authority?: string;
  /** RFC 3339. */
  readonly notAfter?: string;
  readonly reason?: string;
  /** Of the request that asked, as its answer and the log have it. */
  readonly requestId?: string;
  /** Whom a token stands for (`iss` and `sub`, say): a keyed hash of it is written. */
  readonly subject?: string;
  /** IP address of the caller: a keyed hash of it is written. */
  readonly address?: string;
}

/** A decision that is counted: a line every so often says how many there were. Few different ones (no request, no person). */
export interface AuditCount {
  readonly decision: 'verified';
  /** SPIFFE ID of who asked. */
  readonly who?: string;
  readonly policy?: string;
}

/** Where decisions go. Recording never throws into the decision; a sink that fails says so in the log. */
export interface AuditLog {
  record(record: AuditRecord): void;
  /** Counts instead of recording. Left out: nobody keeps the count. */
  count?(what: AuditCount): void;
  /**
   * To be called before something is signed, by who signs without a `SigningLease` (which asks by itself). Left out: always.
   * @throws AUDIT_UNAVAILABLE when nothing may be decided that cannot be recorded (`--audit-fail-closed`), and it cannot
   */
  admit?(): void;
}
