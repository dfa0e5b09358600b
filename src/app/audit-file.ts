import { createWriteStream, type WriteStream } from 'node:fs';
import type { AuditLog, AuditRecord } from '../audit/index.ts';
import type { Clock, Log } from '../telemetry/index.ts';

/** An audit log in a file of JSON lines, mode 0600, opened for appending. */
export class AuditFile implements AuditLog, AsyncDisposable {
  readonly #stream: WriteStream;
  readonly #clock: Clock;

  constructor(path: string, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
    this.#stream.on('error', (error) => log.error(`the audit log cannot be written: ${error.message}`, { path }));
  }

  record(record: AuditRecord): void {
    this.#stream.write(`${JSON.stringify({ time: new Date(this.#clock.nowMs()).toISOString(), ...record })}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#stream.once('error', () => resolve());
      this.#stream.end(() => resolve());
    });
  }
}
