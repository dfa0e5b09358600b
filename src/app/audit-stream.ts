import type { AuditLog } from '../audit/index.ts';
import type { Clock } from '../telemetry/index.ts';

/** An audit log on a stream of JSON lines: each bears `"audit": true`, so that a collector tells them from log lines. */
export function auditStream(write: (text: string) => void, clock: Clock): AuditLog {
  return {
    record: (record) => write(`${JSON.stringify({ audit: true, time: new Date(clock.nowMs()).toISOString(), ...record })}\n`),
  };
}
