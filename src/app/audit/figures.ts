/** What the audit log tells of itself. */
export interface AuditFigures {
  written(): void;
  lost(): void;
  /** How many bytes wait for the sink. */
  waits(bytes: number): void;
}

/** For processes without metrics. */
export const noAuditFigures: AuditFigures = { written: () => undefined, lost: () => undefined, waits: () => undefined };
