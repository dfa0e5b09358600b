/** What a command may touch of the process that it runs in: so that a test runs it without one. */
export interface CliIo {
  readonly stdin: NodeJS.ReadableStream;
  /** Writes text as it is: the caller ends its lines. */
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether `stdout` is a terminal: only then is anything coloured. */
  readonly isTerminal: boolean;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** The status that the process ends with; 0 unless this is called. */
  setExitCode(code: number): void;
}
