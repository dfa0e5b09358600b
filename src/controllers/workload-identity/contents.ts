import { annotations, type WorkloadIdentity } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import { TokenBucket } from '../runtime/token-bucket.ts';
import type { Verdict } from './plan.ts';

/** Foreign changes are repaired this often at once, */
const repairsAtOnce = 3;
/** and then once in this time: an hour has at most a few (L3). */
const repairIntervalMs = 15 * 60_000;

/**
 * What is known of the contents of Secrets, which no watch carries: the version that was found intact, or what was found
 * changed. A version that status names was written and seen whole, so a restart need not read ten thousand Secrets again.
 */
export class SecretContents {
  /** By UID, the version that we wrote last. */
  readonly #written = new Map<string, string>();
  /** By UID, the serial number in it. */
  readonly #serials = new Map<string, string | undefined>();
  /** By UID, the version that somebody else wrote and that was found intact. */
  readonly #intact = new Map<string, string>();
  readonly #changed = new Map<string, { readonly resourceVersion: string; readonly what: string }>();
  /** By UID, the version of the password's source that was found to hold the password of its keystores. */
  readonly #passwords = new Map<string, string>();
  readonly #repairs = new Map<string, TokenBucket>();

  verdict(secret: SecretMetadata, identity: WorkloadIdentity): Verdict {
    const { uid, resourceVersion } = secret.metadata;
    if (this.#written.get(uid) === resourceVersion) return { kind: 'intact', ours: true, latest: true };
    if (this.#intact.get(uid) === resourceVersion) return { kind: 'intact', ours: false, latest: this.#serials.get(uid) === secret.metadata.annotations?.[annotations.serialNumber] };
    const changed = this.#changed.get(uid);
    if (changed?.resourceVersion === resourceVersion) return { kind: 'changed', what: changed.what };
    const { secret: known } = identity.status ?? {};
    if (known?.name === secret.metadata.name && known.resourceVersion === resourceVersion) return { kind: 'intact', ours: true, latest: true };
    return { kind: 'unknown' };
  }

  /** Notes that we have just written this version. */
  noteWritten(secret: { readonly metadata: SecretMetadata['metadata'] }): void {
    const { uid, resourceVersion } = secret.metadata;
    this.#written.set(uid, resourceVersion);
    this.#serials.set(uid, secret.metadata.annotations?.[annotations.serialNumber]);
    this.#intact.delete(uid);
    this.#changed.delete(uid);
  }

  /** Notes what a reading has shown; `what` is undefined when all is well. */
  note(secret: { readonly metadata: SecretMetadata['metadata'] }, what: string | undefined): void {
    const { uid, resourceVersion } = secret.metadata;
    if (what === undefined) {
      this.#intact.set(uid, resourceVersion);
      this.#changed.delete(uid);
    } else {
      this.#changed.set(uid, { resourceVersion, what });
      this.#intact.delete(uid);
    }
  }

  /** Notes that the keystores of a Secret open with what this version of the password's source holds. */
  notePassword(secret: SecretMetadata, version: string): void {
    this.#passwords.set(secret.metadata.uid, version);
  }

  /** See `notePassword`. */
  sameAsVersion(secret: SecretMetadata | undefined): string | undefined {
    return secret === undefined ? undefined : this.#passwords.get(secret.metadata.uid);
  }

  forget(secret: SecretMetadata): void {
    for (const known of [this.#written, this.#serials, this.#intact, this.#changed, this.#passwords]) known.delete(secret.metadata.uid);
  }

  /** Whether the identity of this id may repair a foreign change now, or when. */
  repair(id: string, nowMs: number): { readonly allowed: boolean; readonly nextAtMs: number } {
    const waitMs = this.#repairs.get(id)?.waitMs(nowMs) ?? 0;
    return { allowed: waitMs === 0, nextAtMs: nowMs + waitMs };
  }

  /** Counts a repair. */
  countRepair(id: string, nowMs: number): void {
    let bucket = this.#repairs.get(id);
    if (bucket === undefined) this.#repairs.set(id, (bucket = new TokenBucket(repairsAtOnce, repairIntervalMs)));
    bucket.take(nowMs);
  }

  /** Forgets the repairs of an identity that is gone. */
  forgetIdentity(id: string): void {
    this.#repairs.delete(id);
  }
}
