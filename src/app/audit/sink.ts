import type { ChainHead } from '../../audit/index.ts';

/** A line that a sink does not keep any more, with everything before it. */
export interface DroppedThrough {
  readonly chain: string;
  readonly sequence: number;
  /** RFC 3339: of the oldest line that is still there. */
  readonly time: string;
}

/** The sink is there and does not take these lines as they are: fewer of them, or others, it may take. */
export class SinkRefusal extends Error {
  override readonly name = 'SinkRefusal';
}

/** Where lines of the audit log go. */
export interface AuditSink {
  /** For people: what is down when it is down. */
  readonly name: string;
  /**
   * Delivers lines, without their line breaks, in order: at once, or by the time the promise resolves. When it throws or rejects, they are
   * all delivered again later, so that one may arrive twice.
   * @throws SinkRefusal
   */
  deliver(lines: readonly string[]): void | Promise<void>;
  /** Makes sure that what was delivered outlives the machine, where that is another thing. */
  sync?(): void;
  /** The last line that is there from an earlier process, where it can be known. */
  lastHead?(): ChainHead | undefined;
  /** Hears what made room: once for what made room before this process, and each time that something does. */
  onDropped?(listener: (through: DroppedThrough) => void): void;
  /** Hears what somebody else did to the place that lines go to: a sentence for people. */
  onDisturbed?(listener: (sentence: string) => void): void;
  close?(): void;
}
