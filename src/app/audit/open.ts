import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { anchoredHeads, hashOf, Pseudonyms, type AuditCount, type AuditLog, type AuditRecord, type ChainHead } from '../../audit/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import type { AuditAnchor } from './anchor.ts';
import { ChainedLog } from './chained-log.ts';
import { Checkpoints } from './checkpoints.ts';
import { noAuditFigures, type AuditFigures } from './figures.ts';
import type { AuditSecrets } from './secrets.ts';
import type { AuditSink } from './sink.ts';
import { SpoolFolder } from './spool-folder.ts';
import { Spool } from './spool.ts';

/** What a person chooses about the audit log. */
export interface AuditSettings {
  readonly sink: AuditSink;
  /** Whether signing stops while the spool is full. */
  readonly failClosed: boolean;
  /** Bytes that wait at most for a sink that is down. */
  readonly spoolBytes: number;
  /** A folder in which it outlives the process; undefined: it waits in memory alone. */
  readonly spoolFolder?: string | undefined;
  /** How long records of one person can be linked. */
  readonly personPeriodMs: number;
}

/** What a process gives it. */
export interface AuditParts {
  /** Whose lines these are: a name that one process at a time has. */
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly figures?: AuditFigures;
  /** How long what waits is tried to be delivered, signed and anchored when the process ends, milliseconds. */
  readonly patienceMs?: number;
}

const patienceMs = 2_000;
/** What others do to the place of the log is told so often at most. */
const disturbedMs = 60_000;
/** A key of pseudonyms that cannot be had now is asked for again after this. */
const personRetryMs = 60_000;

/**
 * The audit log of this process. Lines are chained from the first on; with `secure`, they are signed and anchored as well. Nothing is
 * written, signed or anchored before there is a decision.
 */
export class Audit implements AuditLog, AsyncDisposable {
  readonly #settings: AuditSettings;
  readonly #parts: AuditParts;
  readonly #spool: Spool;
  readonly #chained: ChainedLog;
  readonly #pseudonyms: Pseudonyms;
  #secrets: AuditSecrets | undefined;
  #checkpoints: Checkpoints | undefined;
  #anchoredHead: ChainHead | undefined;
  #unsigned = 0;
  #personKeyIsShared = false;
  #personKeyAskedMs = -Infinity;
  #cancelPersonKey: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  /** @throws CONFIGURATION_INVALID when the folder of the spool cannot be used */
  constructor(settings: AuditSettings, parts: AuditParts) {
    const { clock, log, replica, figures = noAuditFigures } = parts;
    this.#settings = settings;
    this.#parts = parts;
    const folder = settings.spoolFolder === undefined ? undefined : SpoolFolder.open(settings.spoolFolder, clock, log);
    this.#spool = new Spool(settings.sink, {
      clock,
      log,
      random: Math.random,
      bytesMax: settings.spoolBytes,
      folder,
      onChange: (bytes) => figures.waits(bytes),
      onRefused: (text, why) => this.#chained.noteRefused(text, why),
    });
    // Of this process alone, until the one that all replicas share is there.
    this.#pseudonyms = new Pseudonyms({ bytes: randomBytes(32), createdAtMs: clock.nowMs() }, settings.personPeriodMs);
    this.#chained = new ChainedLog({
      chain: `${replica}/${new Date(clock.nowMs()).toISOString()}-${randomBytes(6).toString('hex')}`,
      follows: () => folder?.lastHead ?? settings.sink.lastHead?.() ?? this.#anchoredHead,
      spool: this.#spool,
      clock,
      log,
      figures,
      pseudonyms: this.#pseudonyms,
      failClosed: settings.failClosed,
      unsigned: (lines, isUrgent) => {
        this.#unsigned = lines;
        this.#checkpoints?.note(lines, isUrgent);
      },
      personNamed: () => this.#renewPersonKey(),
    });
    settings.sink.onDropped?.((through) => this.#chained.noteDropped(through));
    let toldAtMs = -Infinity;
    settings.sink.onDisturbed?.((sentence) => {
      if (clock.nowMs() - toldAtMs >= disturbedMs) log.error(sentence, { sink: settings.sink.name });
      toldAtMs = clock.nowMs();
    });
    this.#spool.resume();
  }

  /** From now on, lines are signed and anchored. */
  secure(secrets: AuditSecrets, anchor: AuditAnchor): void {
    const { clock, log, replica } = this.#parts;
    this.#secrets = secrets;
    this.#checkpoints = new Checkpoints(this.#chained, { clock, log, secrets, anchor, sync: () => this.#settings.sink.sync?.() });
    if (this.#unsigned > 0) this.#checkpoints.note(this.#unsigned);
    // Read beforehand, since the first line waits for nobody; unknown as long as the store is away.
    void anchor.read().then(({ heads }) => {
      const own = [...anchoredHeads(heads).values()].findLast(({ line }) => line.chain.startsWith(`${replica}/`))?.line;
      this.#anchoredHead = own === undefined ? undefined : { chain: own.chain, sequence: own.sequence, hash: hashOf(own.text) };
    }, () => undefined);
  }

  record(record: AuditRecord): void {
    this.#chained.record(record);
  }

  count(what: AuditCount): void {
    this.#chained.count(what);
  }

  admit(): void {
    this.#chained.admit();
  }

  /** Ends the chain, signed and anchored, as far as that can be done soon. To be called while the store is still there. */
  async end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    this.#cancelPersonKey?.();
    this.#spool.close();
  }

  async #end(): Promise<void> {
    this.#chained.writeCounts();
    if (this.#chained.chain.length > 0) {
      const patience = new AbortController();
      const ending = async (): Promise<void> => {
        // Making a key is a decision too: it stands before the end.
        await this.#secrets?.signingKey().catch(() => undefined);
        this.#chained.end();
        await this.#checkpoints?.sign();
        await this.#spool.drained();
        await this.#checkpoints?.anchor();
      };
      await Promise.race([ending(), sleep(this.#parts.patienceMs ?? patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
      patience.abort();
    }
    this.#checkpoints?.close();
  }

  /** Persons are hashed by the key of this period, which all replicas share: asked for when one is named, and again when its period ends. */
  #renewPersonKey(): void {
    const { clock, log } = this.#parts;
    const nowMs = clock.nowMs();
    const isDue = !this.#personKeyIsShared || this.#pseudonyms.isOld(nowMs);
    if (!isDue || nowMs - this.#personKeyAskedMs < personRetryMs) return;
    this.#personKeyAskedMs = nowMs;
    const { personPeriodMs } = this.#settings;
    const asked = this.#secrets?.personKey(personPeriodMs) ?? Promise.resolve({ bytes: randomBytes(32), createdAtMs: nowMs });
    asked.then(
      (key) => {
        this.#pseudonyms.replace(key);
        this.#personKeyIsShared = true;
        this.#cancelPersonKey?.();
        // An old key goes when its period ends, also where nobody is named any more.
        this.#cancelPersonKey = clock.schedule(key.createdAtMs + personPeriodMs, () => this.#renewPersonKey());
      },
      (error: unknown) => log.warn('the key that hides persons in the audit log cannot be had now: one of this process stands in', { why: error instanceof Error ? error.message : 'unknown error' }),
    );
  }
}
