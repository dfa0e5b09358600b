import { isDeepStrictEqual } from 'node:util';
import { resolvedIdentitySpec, type WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { CertificateEnds } from '../pod-certificate/certificate-ends.ts';
import type { Cache } from '../runtime/cache.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { judgeUse, unusedGraceMs, type PodFindings } from './judge.ts';
import type { PodBook } from './pod-book.ts';

/** What changes in pods is told this long after it was noticed: a roll-out is one change, */
const settleMs = 5_000;
/** and the next change of the same identity not before this long after the last. */
const intervalMs = 60_000;

interface Told {
  readonly uid: string;
  readonly findings: PodFindings;
  /** When it last had a status written, milliseconds since the epoch. */
  readonly writtenMs: number;
}

/**
 * Looks at the pods that use an identity and says what is to be told of it. It writes nothing: the reconciler of identities
 * puts what is told here into the same status that tells of its Secret.
 */
export class PodWarningsReconciler implements Reconciler {
  readonly kind = 'PodWarnings';
  readonly #context: Pick<ControllerContext, 'clock' | 'events' | 'cluster'>;
  readonly #identities: Cache<WorkloadIdentity>;
  readonly #pods: PodBook;
  readonly #ends: Pick<CertificateEnds, 'endOf'>;
  readonly #wake: (identity: WorkloadIdentity) => void;
  readonly #told = new Map<string, Told>();
  readonly #dueMs = new Map<string, number>();
  readonly #unusedSinceMs = new Map<string, number>();

  /** @param wake has the status of an identity written, because what is told of it changed */
  constructor(context: Pick<ControllerContext, 'clock' | 'events' | 'cluster'>, identities: Cache<WorkloadIdentity>, pods: PodBook, ends: Pick<CertificateEnds, 'endOf'>, wake: (identity: WorkloadIdentity) => void) {
    this.#context = context;
    this.#identities = identities;
    this.#pods = pods;
    this.#ends = ends;
    this.#wake = wake;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  /** What is told of an identity; undefined while nothing is known: what its status says stays. */
  of({ metadata }: WorkloadIdentity): PodFindings | undefined {
    const told = this.#told.get(`${metadata.namespace ?? ''}/${metadata.name}`);
    return told?.uid === metadata.uid ? told.findings : undefined;
  }

  reconcile({ namespace, name }: QueueKey): Promise<Outcome> {
    const id = `${namespace}/${name}`;
    const identity = this.#identities.get(namespace, name);
    if (identity === undefined) {
      for (const map of [this.#told, this.#dueMs, this.#unusedSinceMs]) map.delete(id);
      return Promise.resolve({});
    }
    const nowMs = this.#context.clock.nowMs();
    const { findings, nextAtMs } = this.#judge(id, identity, nowMs);
    const dueMs = this.#tell(id, identity, findings, nowMs);
    const next = [dueMs, nextAtMs].filter((ms) => ms !== undefined);
    return Promise.resolve(next.length === 0 ? {} : { nextAtMs: Math.min(...next) });
  }

  #judge(id: string, identity: WorkloadIdentity, nowMs: number): ReturnType<typeof judgeUse> {
    const { namespace = '' } = identity.metadata;
    const spec = resolvedIdentitySpec(identity);
    const { serviceAccountName } = spec;
    const secretName = this.#context.cluster?.secretDelivery === false ? undefined : spec.secretName;
    const { notBefore, notAfter } = identity.status ?? {};
    const mounting = secretName === undefined ? [] : this.#pods.mounting(`${namespace}/${secretName}`);
    const certified = this.#pods.certified(`${namespace}/${serviceAccountName}`);
    return judgeUse(
      {
        secretName,
        mounting,
        certified,
        certificateEndMs: (podUid) => this.#ends.endOf(podUid),
        svid: notBefore === undefined || notAfter === undefined ? undefined : { notBeforeMs: Date.parse(notBefore), notAfterMs: Date.parse(notAfter) },
        lastMounted: (this.of(identity) ?? inStatus(identity)).mounted,
        unusedSinceMs: this.#unusedSince(id, identity, mounting.length + certified.length > 0, nowMs),
      },
      nowMs,
    );
  }

  /** Since when nobody uses it: what status said before this process counts on; else it counts from here. */
  #unusedSince(id: string, { status }: WorkloadIdentity, isUsed: boolean, nowMs: number): number {
    if (isUsed) {
      this.#unusedSinceMs.delete(id);
      return nowMs;
    }
    const mounted = status?.conditions?.find(({ type }) => type === 'Mounted');
    const sinceMs = this.#unusedSinceMs.get(id) ?? (mounted?.status === 'False' ? nowMs - unusedGraceMs : nowMs);
    this.#unusedSinceMs.set(id, sinceMs);
    return sinceMs;
  }

  /** Tells it now, or says when. */
  #tell(id: string, identity: WorkloadIdentity, findings: PodFindings, nowMs: number): number | undefined {
    const told = this.#told.get(id);
    const { uid } = identity.metadata;
    if (told?.uid === uid && isDeepStrictEqual(told.findings, findings)) {
      this.#dueMs.delete(id);
      return undefined;
    }
    // What an earlier process has told needs no waiting: nothing is written for it.
    const isInStatus = isDeepStrictEqual(inStatus(identity), findings);
    const dueMs = this.#dueMs.get(id) ?? Math.max(nowMs + settleMs, (told?.writtenMs ?? -Infinity) + intervalMs);
    if (dueMs > nowMs && (told?.uid === uid || !isInStatus)) {
      this.#dueMs.set(id, dueMs);
      return dueMs;
    }
    this.#dueMs.delete(id);
    this.#told.set(id, { uid, findings, writtenMs: isInStatus ? (told?.writtenMs ?? -Infinity) : nowMs });
    if (!isInStatus) this.#announce(identity, findings);
    return undefined;
  }

  /** An Event when a warning comes or becomes another one, none when names of workloads change. */
  #announce(identity: WorkloadIdentity, { warnings }: PodFindings): void {
    this.#wake(identity);
    if (warnings === undefined || warnings.reason === inStatus(identity).warnings?.reason) return;
    this.#context.events.record(identity, { type: 'Warning', reason: warnings.reason, message: warnings.message });
  }
}

/** What the status of an identity tells of its pods. */
function inStatus({ status }: WorkloadIdentity): PodFindings {
  const [mounted, warnings] = (['Mounted', 'Warnings'] as const).map((type) => {
    const found = status?.conditions?.find((condition) => condition.type === type);
    return found === undefined ? undefined : { status: found.status, reason: found.reason, message: found.message };
  });
  return { mounted, warnings };
}
