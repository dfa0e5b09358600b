import type { AuditLog } from '../../audit/index.ts';
import type { SigningLease } from '../../authority/index.ts';

/** A lease that also asks the audit log: what cannot be recorded is not signed, where that is wanted. No signature can forget to ask. */
export class AuditedLease implements SigningLease {
  readonly #lease: SigningLease;
  readonly #audit: AuditLog;

  constructor(lease: SigningLease, audit: AuditLog) {
    this.#lease = lease;
    this.#audit = audit;
  }

  /** @throws AUDIT_UNAVAILABLE */
  permits(trustDomain: string, signerEpoch: number, nowMs: number): boolean {
    if (!this.#lease.permits(trustDomain, signerEpoch, nowMs)) return false;
    this.#audit.admit?.();
    return true;
  }

  async acknowledge(trustDomain: string, signerEpoch: number): Promise<void> {
    return this.#lease.acknowledge(trustDomain, signerEpoch);
  }
}
