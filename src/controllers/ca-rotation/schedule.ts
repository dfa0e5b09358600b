import { activeAuthority, backdateMs, type AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { resolvedRotationSettings, type CARotation, type Draft, type ResolvedRotationSettings } from '../../resources/index.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import type { RotationParts } from './parts.ts';
import { hasEnded } from './status.ts';

/** A timer does not sleep for half a year. */
const lookAgainMs = 3_600_000;

/** When the active root is to be rotated by the trust domain's schedule, milliseconds since the epoch; undefined: never. */
function scheduledAtMs(record: AuthorityRecord, { rootEveryMs, rootBeforeRemainingMs }: ResolvedRotationSettings): number | undefined {
  const { certificate } = activeAuthority(record, 'Root');
  const times = [
    ...(rootEveryMs === undefined ? [] : [certificate.notBeforeMs + backdateMs + rootEveryMs]),
    ...(rootBeforeRemainingMs === undefined ? [] : [certificate.notAfterMs - rootBeforeRemainingMs]),
  ];
  return times.length === 0 ? undefined : Math.min(...times);
}

/**
 * Asks for the rotation of a root when its trust domain's schedule says so: a CARotation whose name follows from the root,
 * so that no restart and no other replica asks twice, and one that was given up is not asked for again.
 */
export class RotationSchedule implements Reconciler {
  readonly kind = 'RotationSchedule';
  readonly #parts: RotationParts;

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  async reconcile({ name }: QueueKey): Promise<Outcome> {
    const { context, domains, caches } = this.#parts;
    const domain = domains.get(name);
    if (domain?.record === undefined || domain.problem !== undefined) return {};
    const dueAtMs = scheduledAtMs(domain.record, resolvedRotationSettings(domain.object));
    if (dueAtMs === undefined) return {};
    const nowMs = context.clock.nowMs();
    if (nowMs < dueAtMs) return { nextAtMs: Math.min(dueAtMs, nowMs + lookAgainMs) };
    const isRotated = [...caches.rotations.values()].some((rotation) => rotation.spec.trustDomain === name && rotation.spec.what === 'Root' && !hasEnded(rotation));
    const draft = scheduledRotation(domain.record);
    if (isRotated || caches.rotations.get(undefined, draft.metadata.name) !== undefined) return { nextAtMs: nowMs + lookAgainMs };
    await this.#ask(draft);
    return { nextAtMs: nowMs + lookAgainMs };
  }

  async #ask(draft: ReturnType<typeof scheduledRotation>): Promise<void> {
    const { context, caches } = this.#parts;
    try {
      const rotation = await context.store.write(draft, 'absent');
      caches.rotations.observeWrite(rotation);
      context.events.record(rotation, { type: 'Normal', reason: 'Scheduled', message: `the schedule of trust domain ${draft.spec.trustDomain} asks for another root` });
    } catch (error) {
      if (!isMtlsdError(error, 'STORE_ALREADY_EXISTS')) throw error;
    }
  }
}

function scheduledRotation(record: AuthorityRecord): Draft<CARotation> & { readonly kind: 'CARotation' } {
  const { keyIdentifier } = activeAuthority(record, 'Root');
  return {
    apiVersion: 'mtlsd.io/v1alpha1',
    kind: 'CARotation',
    metadata: { name: `scheduled-${record.trustDomain}-${keyIdentifier.slice(0, 8)}` },
    spec: { trustDomain: record.trustDomain, what: 'Root', fromAuthority: keyIdentifier, mode: 'Graceful' },
  };
}
