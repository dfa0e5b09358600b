import type { SigningLease } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import type { Lease } from '../../resources/index.ts';
import type { Store } from '../../store/port.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import { Term, type Instant } from './term.ts';

/** How a replica takes part in the election. Times in milliseconds. */
export interface LeadershipOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly now: () => Instant;
  readonly log: Log;
  /** This replica, unlike any other, also after a restart. */
  readonly identity: string;
  readonly namespace: string;
  readonly leaseName: string;
  /** A lease that was not renewed for this long may be taken by another replica. */
  readonly durationMs: number;
  /** How often the holder renews it, and others look at it. */
  readonly periodMs: number;
}

/** Annotation of the Lease: the signer epochs that its holder signs with, JSON. */
export const signerEpochsAnnotation = 'mtlsd.io/signer-epochs';
/** The holder stops this long before another may start, so that two never sign at once. */
const marginMs = 1_000;

/** How long a lease that was given back says that it lasts: with an empty holder and no epochs, what only a holder writes. */
const givenBackSeconds = 1;

/**
 * One replica at a time reconciles and signs: the holder of a Lease. Others take it when the holder gives it back, or when
 * they have seen it unrenewed for its whole duration by their own clocks (clocks of different machines are never compared).
 * What a person does to the Lease frees it no sooner: its holder may not know of it yet.
 */
export class Leadership implements SigningLease {
  readonly #options: LeadershipOptions;
  readonly #term: Term;
  readonly #epochs = new Map<string, number>();
  #held: Lease | undefined;
  #writing: Promise<void> = Promise.resolve();
  #told = '';
  #seen: { readonly version: string; readonly atMs: number } | undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#term = new Term(options.now);
  }

  /** Whether this replica leads now. */
  get leads(): boolean {
    return this.#held !== undefined && this.#term.leftMs > 0;
  }

  permits(trustDomain: string, signerEpoch: number, nowMs: number): boolean {
    return this.#term.permits(trustDomain, signerEpoch, nowMs);
  }

  async acknowledge(trustDomain: string, signerEpoch: number): Promise<void> {
    this.#epochs.set(trustDomain, signerEpoch);
    if (!this.#term.names(trustDomain, signerEpoch)) await this.#renew();
  }

  /**
   * Campaigns until `signal` aborts. Each time it wins it calls `lead` with a signal that aborts when the term ends or the
   * campaign does, and waits for it. In the end the Lease is given back.
   */
  async run(lead: (ended: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await this.#campaign(lead, signal);
    } finally {
      await this.#release();
    }
  }

  async #campaign(lead: (ended: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!(await this.#acquire())) {
        await this.#sleep(this.#options.periodMs, signal);
        continue;
      }
      this.#options.log.info('this replica leads', { identity: this.#options.identity });
      await this.#leadUntilEnded(lead, signal);
    }
  }

  async #leadUntilEnded(lead: (ended: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    let failed = false;
    const leading = lead(ended.signal).catch((error: unknown) => {
      failed = true;
      this.#tell('this replica cannot lead', error);
    });
    await Promise.race([this.#hold(signal), leading]);
    ended.abort();
    await leading;
    // What failed at once would fail at once again.
    if (failed) await this.#sleep(this.#options.periodMs, signal);
    else if (!signal.aborted) this.#options.log.warn('this replica leads no more: its lease could not be renewed in time', { identity: this.#options.identity });
  }

  async #hold(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#term.leftMs > 0) {
      await this.#sleep(Math.min(this.#options.periodMs, this.#term.leftMs), signal);
      if (signal.aborted) return;
      // A request that hangs must not hide the end of the term.
      await Promise.race([this.#renew().catch((error: unknown) => this.#tell('the lease was not renewed', error)), this.#sleep(this.#term.leftMs, signal)]);
    }
  }

  /** Takes the Lease if it is free. Any trouble means: not now. */
  async #acquire(): Promise<boolean> {
    const { store, namespace, leaseName } = this.#options;
    this.#term.end();
    this.#held = undefined;
    try {
      const lease = await store.get({ kind: 'Lease', namespace, name: leaseName });
      if (lease === undefined && this.#seen !== undefined) await this.#setVacant();
      else if (lease === undefined || this.#isFree(lease)) {
        await this.#write(lease);
        return true;
      }
      return false;
    } catch (error) {
      if (!isMtlsdError(error, 'STORE_CONFLICT', 'STORE_ALREADY_EXISTS')) this.#tell('no lease yet', error);
      return false;
    }
  }

  /** Whether nobody else can lead under what was found. */
  #isFree(lease: Lease): boolean {
    if (isGivenBack(lease)) return true;
    const version = lease.metadata.resourceVersion;
    const atMs = this.#options.now().monotonicMs;
    if (this.#seen?.version !== version) {
      this.#seen = { version, atMs };
      return false;
    }
    const lastsMs = (lease.spec.leaseDurationSeconds ?? 0) * 1000;
    return atMs - this.#seen.atMs > Math.max(lastsMs, this.#options.durationMs);
  }

  /**
   * Somebody deleted the Lease, and its holder may not know: one without a holder takes its place, and is waited for like
   * any other. (Of an absence nobody can say how long it has lasted.)
   */
  async #setVacant(): Promise<void> {
    const { store, namespace, leaseName, durationMs, now } = this.#options;
    const { metadata } = await store.write(
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name: leaseName }, spec: { holderIdentity: '', leaseDurationSeconds: durationMs / 1000 } },
      'absent',
    );
    this.#seen = { version: metadata.resourceVersion, atMs: now().monotonicMs };
  }

  /** One write after the other: each is based on the one before. */
  async #renew(): Promise<void> {
    const turn = this.#writing.then(async () => {
      if (this.#held === undefined) return;
      try {
        await this.#write(this.#held);
      } catch (error) {
        if (!isMtlsdError(error, 'STORE_CONFLICT', 'STORE_NOT_FOUND')) throw error;
        await this.#recover();
      }
    });
    this.#writing = turn.catch(() => undefined);
    await turn;
  }

  /**
   * The Lease was changed by somebody: when another replica holds it the term is over, else it is written on what is there.
   * But only within the term: after it somebody else may lead, who does not know yet what was done to the Lease.
   */
  async #recover(): Promise<void> {
    const { store, namespace, leaseName, identity } = this.#options;
    const lease = await store.get({ kind: 'Lease', namespace, name: leaseName });
    const { holderIdentity = '' } = lease?.spec ?? {};
    if (this.#term.leftMs > 0 && (holderIdentity === '' || holderIdentity === identity)) return this.#write(lease);
    this.#held = undefined;
    this.#term.end();
  }

  async #write(over: Lease | undefined): Promise<void> {
    const { store, now, durationMs, namespace, leaseName, identity } = this.#options;
    const sentAt = now();
    const epochs = new Map(this.#epochs);
    const isMine = over?.spec.holderIdentity === identity;
    const time = microTime(sentAt.wallMs);
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: durationMs / 1000,
      acquireTime: isMine ? (over.spec.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (over?.spec.leaseTransitions ?? 0) + (isMine ? 0 : 1),
    };
    const written = await store.write(
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { namespace, name: leaseName, annotations: { [signerEpochsAnnotation]: JSON.stringify(Object.fromEntries(epochs)) } },
        spec,
      },
      over === undefined ? 'absent' : { uid: over.metadata.uid, resourceVersion: over.metadata.resourceVersion },
    );
    this.#held = written;
    this.#told = '';
    this.#seen = { version: written.metadata.resourceVersion, atMs: sentAt.monotonicMs };
    this.#term.extend(sentAt, durationMs - marginMs, epochs);
  }

  /** Gives the Lease back, so that another replica need not wait for its end. */
  async #release(): Promise<void> {
    await this.#writing;
    const held = this.#held;
    this.#held = undefined;
    this.#term.end();
    if (held === undefined) return;
    const { metadata, spec } = held;
    try {
      await this.#options.store.write(
        { apiVersion: held.apiVersion, kind: 'Lease', metadata: { namespace: metadata.namespace ?? '', name: metadata.name }, spec: { ...spec, holderIdentity: '', leaseDurationSeconds: givenBackSeconds } },
        { uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      );
    } catch (error) {
      this.#tell('the lease was not given back; it ends by itself', error);
    }
  }

  #tell(what: string, error: unknown): void {
    const message = `${what}: ${error instanceof Error ? error.message : 'unknown error'}`;
    // Tried again and again: told once for each new reason.
    this.#options.log[message === this.#told ? 'debug' : 'warn'](message);
    this.#told = message;
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.#options.clock.schedule(this.#options.clock.nowMs() + ms, wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

function isGivenBack({ metadata, spec }: Lease): boolean {
  return (spec.holderIdentity ?? '') === '' && spec.leaseDurationSeconds === givenBackSeconds && metadata.annotations?.[signerEpochsAnnotation] === undefined;
}

/** metav1.MicroTime: RFC 3339 with six decimals. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
