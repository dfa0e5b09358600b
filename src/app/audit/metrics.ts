import { Counter, Gauge, type Registry } from 'prom-client';
import type { AuditFigures } from './figures.ts';

/** The figures as metrics of a registry. */
export function auditMetrics(registry: Registry): AuditFigures {
  const registers = [registry];
  const lines = new Counter({ name: 'mtlsd_audit_lines_total', help: 'Lines written to the audit log.', registers });
  const lost = new Counter({ name: 'mtlsd_audit_lost_total', help: 'Decisions that the audit log could not record because its sink was down for too long, or refused their lines.', registers });
  const spool = new Gauge({ name: 'mtlsd_audit_spool_bytes', help: 'Bytes of the audit log that wait for its sink.', registers });
  return { written: () => lines.inc(), lost: () => lost.inc(), waits: (bytes) => spool.set(bytes) };
}
