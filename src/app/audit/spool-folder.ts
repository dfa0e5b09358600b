import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, parseLine, type ChainHead } from '../../audit/index.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';

/** A segment that is as long as this gets no more lines. It goes when all of its lines are delivered: so much comes twice at most. */
const segmentBytesMax = 256 * 1024;
/** A folder that cannot be written is tried again after this. */
const retryMs = 1_000;
const segmentName = /^audit-(\d{12})\.jsonl$/u;

interface Segment {
  readonly path: string;
  /** Lines of it that still wait. */
  left: number;
}

/** The one that is written to. */
interface OpenSegment extends Segment {
  readonly file: number;
  bytes: number;
}

/**
 * A folder with what waits for a sink, so that it outlives the process: files that are appended to, mode 0600, which go as what is in
 * them is delivered. Lines are written, not synchronised: they outlive a process that is killed, and not a machine that loses power.
 */
export class SpoolFolder {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The oldest first. */
  #segments: Segment[] = [];
  #current: OpenSegment | undefined;
  #number = 0;
  #recovered: readonly string[] = [];
  #brokenUntilMs: number | undefined;
  /** The last line that an earlier process left behind. */
  readonly lastHead: ChainHead | undefined;

  private constructor(folder: string, clock: Clock, log: Log) {
    this.#folder = folder;
    this.#clock = clock;
    this.#log = log;
    // Not its parents: one whose volume is not mounted is a mistake.
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    this.#recover();
    const last = parseLine(this.#recovered.at(-1) ?? '');
    this.lastHead = last === undefined || 'problem' in last ? undefined : { chain: last.chain, sequence: last.sequence, hash: hashOf(last.text) };
    // One that cannot be written to is told now rather than when it is needed.
    this.#open();
  }

  /** Opens it, made where there is none, with what an earlier process left behind. @throws CONFIGURATION_INVALID when it cannot be used */
  static open(folder: string, clock: Clock, log: Log): SpoolFolder {
    try {
      return new SpoolFolder(folder, clock, log);
    } catch (error) {
      throw new MtlsdError('CONFIGURATION_INVALID', `The folder ${folder}, in which lines of the audit log wait, cannot be used (${whyOf(error)}): name one that mtlsd may write to, and nobody else does.`, { details: { option: '--audit-spool-dir' }, cause: error });
    }
  }

  /** Lines of an earlier process, the oldest first: once. They are in the folder until they are released. */
  takeRecovered(): readonly string[] {
    const lines = this.#recovered;
    this.#recovered = [];
    return lines;
  }

  /**
   * Adds lines behind those that are there.
   * @param lines those that are not there yet; not asked while the folder cannot be written
   * @returns whether they are
   */
  save(lines: () => readonly string[]): boolean {
    const nowMs = this.#clock.nowMs();
    if (this.#brokenUntilMs !== undefined && nowMs < this.#brokenUntilMs) return false;
    try {
      this.#append(lines());
    } catch (error) {
      if (this.#brokenUntilMs === undefined) this.#log.error('the folder in which the audit log waits cannot be written: what waits is lost if the process ends now', { folder: this.#folder, why: whyOf(error) });
      this.#brokenUntilMs = nowMs + retryMs;
      // What it ends with may be half a line.
      this.#leave();
      return false;
    }
    if (this.#brokenUntilMs !== undefined) this.#log.info('the folder in which the audit log waits is written again', { folder: this.#folder });
    this.#brokenUntilMs = undefined;
    return true;
  }

  /** The oldest lines need not be kept any more. */
  release(count: number): void {
    let rest = count;
    for (const segment of this.#segments) {
      const gone = Math.min(rest, segment.left);
      segment.left -= gone;
      rest -= gone;
      if (segment.left === 0) this.#empty(segment);
      if (rest === 0) break;
    }
    this.#segments = this.#segments.filter((segment) => segment.left > 0 || segment === this.#current);
  }

  close(): void {
    this.#leave();
  }

  #append(lines: readonly string[]): void {
    if (lines.length === 0) return;
    if (this.#current !== undefined && this.#current.bytes >= segmentBytesMax) this.#leave();
    const segment = this.#current ?? this.#open();
    const bytes = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    for (let written = 0; written < bytes.length;) written += writeSync(segment.file, bytes, written);
    segment.bytes += bytes.length;
    segment.left += lines.length;
  }

  #open(): OpenSegment {
    for (;;) {
      this.#number += 1;
      const path = join(this.#folder, `audit-${String(this.#number).padStart(12, '0')}.jsonl`);
      try {
        const segment = { path, file: openSync(path, 'ax', 0o600), left: 0, bytes: 0 };
        this.#current = segment;
        this.#segments.push(segment);
        return segment;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  /** Writes no more to the one that is written to; it goes when nothing in it waits. */
  #leave(): void {
    const segment = this.#current;
    if (segment === undefined) return;
    this.#current = undefined;
    closeSync(segment.file);
    if (segment.left > 0) return;
    this.#segments = this.#segments.filter((each) => each !== segment);
    this.#empty(segment);
  }

  /** What cannot be emptied is delivered twice by the next process, which is no harm. */
  #empty(segment: Segment): void {
    try {
      if (this.#current !== segment) {
        unlinkSync(segment.path);
        return;
      }
      ftruncateSync(this.#current.file, 0);
      this.#current.bytes = 0;
    } catch (error) {
      this.#log.warn('a file of what waited for the audit log is not emptied: its lines come twice', { path: segment.path, why: whyOf(error) });
    }
  }

  #recover(): void {
    const names = readdirSync(this.#folder).filter((name) => segmentName.test(name)).sort();
    const recovered: string[] = [];
    let cut = 0;
    for (const name of names) {
      const path = join(this.#folder, name);
      const texts = readFileSync(path, 'utf8').split('\n').filter((text) => text !== '');
      const lines = texts.filter(isLine);
      const segment = { path, left: lines.length };
      recovered.push(...lines);
      cut += texts.length - lines.length;
      if (segment.left > 0) this.#segments.push(segment);
      else this.#empty(segment);
    }
    this.#number = Number(segmentName.exec(names.at(-1) ?? '')?.[1] ?? 0);
    this.#recovered = recovered;
    // Half a line is one that a kill or a full disk has cut: its decision did not go on, or it stands whole in the next file.
    if (recovered.length + cut > 0) this.#log.info('the audit log goes on with what waited when the process before ended', { lines: recovered.length, ...(cut === 0 ? {} : { cutLines: cut }) });
  }
}

function isLine(text: string): boolean {
  const line = parseLine(text);
  return line !== undefined && !('problem' in line) && line.text === text;
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
