import { entry } from '../entry.ts';

/** Errors of the audit log. */
export const auditErrors = {
  AUDIT_UNAVAILABLE: entry({
    meaning: 'The audit log takes no more lines, and nothing may be signed that it does not record (`--audit-fail-closed`).',
    remedy: 'Bring the sink of the audit log back: the log says what it answers. What waits is written then, and signing goes on.',
    status: 503,
    retry: 'backoff',
    reason: 'AuditUnavailable',
  }),
} as const;
