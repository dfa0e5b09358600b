import { signCheckpoint } from '../../audit/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import type { AuditAnchor } from './anchor.ts';
import type { ChainedLog } from './chained-log.ts';
import type { AuditSecrets, SigningKey } from './secrets.ts';

interface CheckpointsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: AuditSecrets;
  readonly anchor: AuditAnchor;
  /** Has what the sink holds outlive the machine. */
  readonly sync: () => void;
}

/** A checkpoint follows the first line that is not signed by this much, and so many lines at most. */
const checkpointMs = 10_000;
const checkpointLines = 1_000;
/** A replica moves its head in the anchor on once in this time at most, and only when there is a newer one. */
const anchorMs = 30_000;
/** What fails (the store is away) is tried again after this. */
const retryMs = 10_000;

/** Signs the chain as it grows, and anchors it. A chain that does not grow costs nothing. */
export class Checkpoints {
  readonly #log: ChainedLog;
  readonly #parts: CheckpointsParts;
  #signing: Promise<void> | undefined;
  #anchoring: Promise<void> | undefined;
  #cancelSigning: (() => void) | undefined;
  #cancelAnchoring: (() => void) | undefined;
  #unanchored: { readonly checkpoint: string; readonly publicKeys: string } | undefined;
  #anchoredAtMs = -Infinity;
  #failed = false;

  constructor(log: ChainedLog, parts: CheckpointsParts) {
    this.#log = log;
    this.#parts = parts;
  }

  /** Hears that so many lines are not signed. */
  note(lines: number, isUrgent = false): void {
    if (isUrgent || lines >= checkpointLines) void this.sign();
    else this.#cancelSigning ??= this.#in(checkpointMs, () => void this.sign());
  }

  /** Signs what is there, if anything is not signed. */
  async sign(): Promise<void> {
    this.#cancelSigning?.();
    this.#cancelSigning = undefined;
    this.#signing ??= this.#sign().finally(() => (this.#signing = undefined));
    return this.#signing;
  }

  /** Anchors what the sink has, whenever that was done last. */
  async anchor(): Promise<void> {
    this.#cancelAnchoring?.();
    this.#cancelAnchoring = undefined;
    this.#anchoring ??= this.#anchor().finally(() => (this.#anchoring = undefined));
    return this.#anchoring;
  }

  close(): void {
    this.#cancelSigning?.();
    this.#cancelAnchoring?.();
  }

  async #sign(): Promise<void> {
    if (this.#log.isSigned) return;
    let key: SigningKey;
    try {
      key = await this.#parts.secrets.signingKey();
    } catch (error) {
      this.#tell('the audit log cannot be signed now', error);
      this.#cancelSigning ??= this.#in(retryMs, () => void this.sign());
      return;
    }
    this.#failed = false;
    const { publicKeys } = key;
    let text = '';
    const isThere = this.#log.append(
      (chain, nowMs) => (text = signCheckpoint(chain, key, nowMs)),
      // Only what the sink has is anchored: whatever dies, the anchor never knows more than the lines.
      () => this.#delivered({ checkpoint: text, publicKeys }),
    );
    if (isThere) this.#log.signed();
    else this.#cancelSigning ??= this.#in(retryMs, () => void this.sign());
  }

  #delivered(head: { readonly checkpoint: string; readonly publicKeys: string }): void {
    this.#unanchored = head;
    const waitMs = this.#anchoredAtMs + anchorMs - this.#parts.clock.nowMs();
    this.#cancelAnchoring ??= this.#in(Math.max(0, waitMs), () => void this.anchor());
  }

  async #anchor(): Promise<void> {
    const head = this.#unanchored;
    if (head === undefined) return;
    const { anchor, clock, sync } = this.#parts;
    try {
      sync();
      await anchor.put(head.checkpoint, head.publicKeys);
      this.#anchoredAtMs = clock.nowMs();
      if (this.#unanchored === head) this.#unanchored = undefined;
      this.#failed = false;
    } catch (error) {
      this.#tell('the head of the audit log cannot be anchored now', error);
      this.#cancelAnchoring ??= this.#in(retryMs, () => void this.anchor());
    }
  }

  #in(delayMs: number, callback: () => void): () => void {
    const { clock } = this.#parts;
    return clock.schedule(clock.nowMs() + delayMs, callback);
  }

  /** Once, until it works again. */
  #tell(message: string, error: unknown): void {
    if (!this.#failed) this.#parts.log.warn(message, { why: error instanceof Error ? error.message : 'unknown error' });
    this.#failed = true;
  }
}
