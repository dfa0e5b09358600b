import type { AuthorityRecord, RotationInRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { formatDuration, type CARotation, type Draft } from '../../resources/index.ts';
import { parseTrustDomainName } from '../../spiffe/index.ts';
import type { Outcome } from '../runtime/controller.ts';
import { inForce } from '../trust-domain/older-record.ts';
import { withKnownReservations } from '../trust-domain/lost-reservations.ts';
import { loadRecord } from '../trust-domain/record-store.ts';
import type { RotationActor } from './actor.ts';
import type { RotationParts } from './parts.ts';

/** How long until it is looked again whether the definition of the kind is back. */
const lookAgainMs = 30_000;

/**
 * Rotations whose CARotation was deleted while they were under way. Before the switch that is an abort: what was prepared
 * goes. After it there is no standing still half-way: the CARotation is made anew from the record and goes on.
 */
export class OrphanedRotations {
  readonly #parts: RotationParts;
  readonly #actor: RotationActor;

  constructor(parts: RotationParts, actor: RotationActor) {
    this.#parts = parts;
    this.#actor = actor;
  }

  /** Brings the rotation to an order whose CARotation of that name is gone. */
  async settle(name: string): Promise<Outcome> {
    const { context, domains, caches } = this.#parts;
    const domain = domains.all().find(({ record }) => record?.rotation?.name === name);
    if (domain === undefined) return {};
    // Objects of a definition that is gone were not deleted by anybody's wish.
    if (!(await context.store.serves('CARotation'))) return { nextAtMs: context.clock.nowMs() + lookAgainMs };
    if ((await context.store.get({ kind: 'CARotation', name })) !== undefined) return { nextAtMs: context.clock.nowMs() + 1_000 };
    const trustDomain = parseTrustDomainName(domain.object.metadata.name);
    const current = caches.trustDomains.get(undefined, trustDomain) ?? domain.object;
    const remembered = context.reserved.latest();
    const loaded = withKnownReservations(await loadRecord(context, trustDomain), current, remembered, context.clock.nowMs());
    const { state, precondition } = inForce(loaded, current, context.recordLocation(trustDomain));
    if (state.kind !== 'loaded' || state.record.rotation?.name !== name) return {};
    await this.#settle(state.record, state.record.rotation, precondition);
    return {};
  }

  async #settle(record: AuthorityRecord, rotation: RotationInRecord, precondition: Parameters<RotationActor['abandon']>[2]): Promise<void> {
    const { context, caches, wakeTrustDomain } = this.#parts;
    if (rotation.switchedAtMs === undefined) {
      await this.#actor.abandon(record, rotation, precondition);
      wakeTrustDomain(record.trustDomain);
      return;
    }
    context.log.warn(`CARotation ${rotation.name} was deleted after its switch: it is made anew, because the rotation cannot stop half-way`, { rotation: rotation.name, trustDomain: record.trustDomain });
    try {
      caches.rotations.observeWrite(await context.store.write(madeAnew(record, rotation), 'absent'));
    } catch (error) {
      if (!isMtlsdError(error, 'STORE_ALREADY_EXISTS')) throw error;
    }
  }
}

function madeAnew({ trustDomain }: AuthorityRecord, rotation: RotationInRecord): Draft<CARotation> & { readonly kind: 'CARotation' } {
  const isBack = rotation.direction === 'Back';
  const distrustMs = (rotation.distrustAtMs ?? 0) - rotation.startedAtMs;
  const urgent = rotation.mode === 'Emergency' ? { confirm: trustDomain, ...(distrustMs > 0 ? { distrustAfter: formatDuration(Math.ceil(distrustMs / 1000) * 1000) } : {}) } : {};
  return {
    apiVersion: 'mtlsd.io/v1alpha1',
    kind: 'CARotation',
    metadata: { name: rotation.name },
    spec: { trustDomain, what: rotation.what, fromAuthority: isBack ? rotation.to : rotation.from, mode: rotation.mode, ...rotation.wishes, ...urgent, ...(isBack ? { abort: true } : {}) },
  };
}
