import { Chain, hashOf, parseLine, withoutPersons, type Pseudonyms, type AuditCount, type AuditLog, type AuditRecord, type ChainHead, type LineContent } from '../../audit/index.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import type { AuditFigures } from './figures.ts';
import type { Spool } from './spool.ts';
import type { DroppedThrough } from './sink.ts';

/** What an audit log is made of. */
export interface ChainedLogParts {
  /** Name of the chain: `<replica>/<start>`. */
  readonly chain: string;
  /** The last head of an earlier process of this replica, when the first line is written; undefined: it is not known. */
  readonly follows: () => ChainHead | undefined;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  readonly figures: AuditFigures;
  readonly pseudonyms: Pseudonyms;
  /** Whether `admit` refuses while the spool is full. */
  readonly failClosed: boolean;
  /** Hears how many lines stand behind the last checkpoint, and whether they should not for long. */
  readonly unsigned: (lines: number, isUrgent: boolean) => void;
  /** Hears that a person was named: whose key should be the one of this period. */
  readonly personNamed: () => void;
}

/** How often decisions that are counted get their lines. */
const countMs = 60_000;
/** Different counts that are kept apart; those beyond are counted together (L17). */
const countsMax = 256;
/** Kept free when decisions are admitted, for those that are under way. */
const reserveBytes = 64 * 1024;
/** No text in a line is longer. */
const textMax = 512;
/** People compose these; they may quote what a user wrote. */
const composed: ReadonlySet<string> = new Set(['object', 'reason', 'policy', 'requestId']);

interface Count {
  readonly what: AuditCount;
  readonly sinceMs: number;
  count: number;
}

/** The audit log of one process: a chain of lines, each handed to the sink before the decision goes on. */
export class ChainedLog implements AuditLog {
  readonly #parts: ChainedLogParts;
  readonly chain: Chain;
  readonly #counts = new Map<string, Count>();
  #cancelCounts: (() => void) | undefined;
  #lost = { count: 0, sinceMs: 0 };
  #dropped: DroppedThrough | undefined;
  #unsigned = 0;

  constructor(parts: ChainedLogParts) {
    this.#parts = parts;
    this.chain = new Chain(parts.chain);
  }

  record({ subject, address, ...record }: AuditRecord): void {
    const { pseudonyms, personNamed } = this.#parts;
    const persons = {
      ...(subject === undefined ? {} : { subjectHash: pseudonyms.of('subject', subject) }),
      ...(address === undefined ? {} : { callerHash: pseudonyms.of('address', address) }),
    };
    if (subject !== undefined || address !== undefined) personNamed();
    this.#write({ ...cleaned(record), ...persons, decision: record.decision });
  }

  count(what: AuditCount): void {
    const key = JSON.stringify([what.decision, what.who, what.policy]);
    const known = this.#counts.get(key) ?? this.#newCount(key, what);
    known.count += 1;
  }

  admit(): void {
    if (!this.#parts.failClosed || !this.#parts.spool.isFull(reserveBytes)) return;
    throw new MtlsdError('AUDIT_UNAVAILABLE', 'the audit log takes no more lines and nothing may be signed that it does not record: nothing was signed; bring the sink of the audit log back');
  }

  /** Writes that earlier lines are not kept any more, with the next line. */
  noteDropped(through: DroppedThrough): void {
    this.#dropped = through;
  }

  /** Writes that a line has a place in the chain and is not there, as the sink refuses it; signed soon, so that it is believed. */
  noteRefused(text: string, why: string): void {
    const { log, figures } = this.#parts;
    const line = parseLine(text);
    if (line === undefined || 'problem' in line) return;
    const { chain, sequence, decision } = line;
    figures.lost();
    log.error('the sink of the audit log refuses a line and takes the next one: it is left out', { chain, sequence, decision, why });
    // One about one that is refused too would be the first of many.
    if (decision !== 'undelivered') this.#write({ decision: 'undelivered', line: { chain, sequence, hash: hashOf(text) }, of: decision, reason: why }, true);
  }

  /** Writes what was counted so far; what finds no room is counted on. */
  writeCounts(): void {
    const { clock, spool } = this.#parts;
    this.#cancelCounts?.();
    this.#cancelCounts = undefined;
    for (const [key, { what, count, sinceMs }] of this.#counts) {
      if (spool.isFull()) break;
      this.#write({ ...cleaned(what), count, since: new Date(sinceMs).toISOString(), decision: what.decision });
      this.#counts.delete(key);
    }
    if (this.#counts.size > 0) this.#cancelCounts = clock.schedule(clock.nowMs() + countMs, () => this.writeCounts());
  }

  /** Says that the process ends in order; where nothing was ever written, nothing is. */
  end(): void {
    this.writeCounts();
    this.#cancelCounts?.();
    if (this.chain.length > 0) this.#write({ decision: 'chain-ended' });
    const { count } = this.#lost;
    if (count > 0) this.#parts.log.error('the process ends and the audit log has no room to say what is not in it', { lost: count });
  }

  /**
   * Adds a line of the log's own.
   * @param compose writes it into the chain
   * @param delivered called when the sink has it
   * @returns whether there was room
   */
  append(compose: (chain: Chain, nowMs: number) => string, delivered?: () => void): boolean {
    const { spool, clock, figures } = this.#parts;
    if (spool.isFull()) return false;
    spool.push(compose(this.chain, clock.nowMs()), delivered);
    figures.written();
    return true;
  }

  /** Whether a checkpoint would sign anything. */
  get isSigned(): boolean {
    return this.#unsigned === 0;
  }

  /** Says that everything so far is signed. */
  signed(): void {
    this.#unsigned = 0;
  }

  #newCount(key: string, what: AuditCount): Count {
    if (this.#counts.size >= countsMax) {
      const restKey = JSON.stringify([what.decision]);
      const rest = this.#counts.get(restKey) ?? { what: { decision: what.decision }, sinceMs: this.#parts.clock.nowMs(), count: 0 };
      this.#counts.set(restKey, rest);
      return rest;
    }
    const { clock } = this.#parts;
    const made = { what, sinceMs: clock.nowMs(), count: 0 };
    this.#counts.set(key, made);
    this.#cancelCounts ??= clock.schedule(clock.nowMs() + countMs, () => this.writeCounts());
    return made;
  }

  #write(content: LineContent, isUrgent = false): void {
    const isRecorded = this.#begin() && this.#tellLost() && this.#line(content);
    if (isRecorded) {
      // Behind the decision that made room for itself: what went is told in the file that is left, and believed when it is signed.
      const drops = this.#dropped !== undefined && this.#line({ decision: 'dropped', through: this.#dropped });
      if (drops) this.#dropped = undefined;
      this.#parts.unsigned(this.#unsigned, drops || isUrgent);
      return;
    }
    const { clock, log, figures, spool } = this.#parts;
    if (this.#lost.count === 0) {
      this.#lost = { count: 0, sinceMs: clock.nowMs() };
      log.error('the audit log is full: decisions are not recorded from now on, and counted', { waitingBytes: spool.bytes });
    }
    this.#lost.count += 1;
    figures.lost();
  }

  #line(content: LineContent): boolean {
    const isThere = this.append((chain, nowMs) => chain.next(content, nowMs));
    if (isThere) this.#unsigned += 1;
    return isThere;
  }

  #begin(): boolean {
    if (this.chain.length > 0) return true;
    const follows = this.#parts.follows();
    return this.#line({ decision: 'chain-started', ...(follows === undefined ? {} : { follows }) });
  }

  /** What was lost is a line of its own, once there is room again. */
  #tellLost(): boolean {
    const { count, sinceMs } = this.#lost;
    if (count === 0) return true;
    if (!this.#line({ decision: 'lost', count, since: new Date(sinceMs).toISOString() })) return false;
    this.#parts.log.warn('the audit log has room again', { lost: count });
    this.#lost = { count: 0, sinceMs: 0 };
    return true;
  }
}

/** Texts that are bounded, well-formed and without persons. */
function cleaned(record: AuditCount | Omit<AuditRecord, 'subject' | 'address'>): Record<string, string> {
  const entries = Object.entries(record).filter((each): each is [string, string] => typeof each[1] === 'string');
  return Object.fromEntries(entries.map(([name, text]) => [name, composed.has(name) ? withoutPersons(text.slice(0, textMax).toWellFormed()) : text.slice(0, textMax).toWellFormed()]));
}
