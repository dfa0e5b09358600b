import type { PodCertificateRequest } from '../../resources/index.ts';

/** No identity lives longer, and so no pod certificate. */
const longestLifeMs = 24 * 3_600_000;
/** So many are kept before the first look at which of them are of no use any more. */
const keptMin = 1_024;

/**
 * When the certificates of pods end, as far as their requests tell: a request names its pod, and notAfter once it was answered.
 * Requests are collected after a quarter of an hour, so what was seen is remembered, and forgotten with the process: of a pod
 * whose request nobody has seen it is only known that its certificate ends a longest life after mtlsd began to watch.
 */
export class CertificateEnds {
  /** By UID of the pod, milliseconds since the epoch. */
  readonly #ends = new Map<string, number>();
  readonly #listeners: ((request: PodCertificateRequest) => void)[] = [];
  #watchedSinceMs: number | undefined;
  #keptMax = keptMin;

  /** Says that every request that there is was noted, and those that come will be. */
  begin(nowMs: number): void {
    this.#watchedSinceMs = nowMs;
  }

  /** Calls `listener` with the request of each pod that has a certificate for the first time, or again after it had none. */
  onChange(listener: (request: PodCertificateRequest) => void): void {
    this.#listeners.push(listener);
  }

  /** Notes what a request tells. */
  note(request: PodCertificateRequest): void {
    const { spec, status } = request;
    const [beginMs, endMs] = [Date.parse(status?.notBefore ?? ''), Date.parse(status?.notAfter ?? '')];
    const before = this.#ends.get(spec.podUID);
    if (Number.isNaN(beginMs + endMs) || (before !== undefined && before >= endMs)) return;
    this.#ends.set(spec.podUID, endMs);
    if (this.#ends.size > this.#keptMax) this.#forget(beginMs);
    if (before !== undefined && before > beginMs) return;
    for (const listener of this.#listeners) listener(request);
  }

  /** When the certificate of a pod ends at the latest, milliseconds since the epoch; undefined while that cannot be told. */
  endOf(podUid: string): number | undefined {
    if (this.#watchedSinceMs === undefined) return undefined;
    return this.#ends.get(podUid) ?? this.#watchedSinceMs + longestLifeMs;
  }

  /** What ended so long ago is over by the other rule as well. */
  #forget(nowMs: number): void {
    for (const [uid, endMs] of this.#ends) if (endMs + longestLifeMs < nowMs) this.#ends.delete(uid);
    this.#keptMax = Math.max(keptMin, 2 * this.#ends.size);
  }
}
