import { annotations, type DeletionPolicy, type WorkloadIdentity } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Cache } from '../runtime/cache.ts';
import type { QueueKey } from '../runtime/queue.ts';
import type { IdentityActor } from './actor.ts';
import { claimOf } from './indexes.ts';
import { deliveredSvid, ownerOf } from './secret.ts';

/**
 * The Secrets that identities have left: by going themselves, or by claiming another one. What the owner wanted last decides
 * whether they stay, written into the Secret or not (L9); what stays is made to say so itself. Nothing is deleted that any
 * identity claims, nor while the kind itself is going away or because it did (L14).
 */
export class DepartedIdentities {
  readonly #context: ControllerContext;
  readonly #identities: Cache<WorkloadIdentity>;
  readonly #secrets: Cache<SecretMetadata>;
  readonly #actor: IdentityActor;
  /** Deletion policies of claims that were given up, as they were seen last: by identity, by the Secret that it claimed. */
  readonly #wanted = new Map<string, Map<string, DeletionPolicy>>();
  /** When identities that are gone were created, while Secrets of theirs are left. */
  readonly #createdMs = new Map<string, number>();

  constructor(context: ControllerContext, caches: Pick<IdentityCaches, 'identities' | 'secrets'>, actor: IdentityActor) {
    this.#context = context;
    this.#identities = caches.identities;
    this.#secrets = caches.secrets;
    this.#actor = actor;
    caches.identities.onChange((before, after) => {
      if (before === undefined) return;
      const isThere = after?.metadata.uid === before.metadata.uid;
      if (!isThere) this.#createdMs.set(idOf(before), Date.parse(before.metadata.creationTimestamp));
      if (!isThere || claimOf(after) !== claimOf(before)) this.#want(idOf(before), claimOf(before), before.spec.deletionPolicy ?? 'Delete');
    });
  }

  /** The Secrets that an identity has left, there or gone, and that are not to be kept. @param id `namespace/name` */
  leftovers(id: string): readonly SecretMetadata[] {
    return this.#left(id).filter((secret) => !this.#isKept(secret));
  }

  /** What is kept says so itself from now on: the next process knows nothing of the object that wanted it. @throws STORE_… */
  async keepKept(id: string): Promise<void> {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    for (const secret of this.#left(id)) {
      if (writtenPolicy(secret) !== 'Retain' && this.#isKept(secret)) await this.#actor.retain(secret);
    }
    for (const claim of wanted.keys()) {
      const secret = this.#secrets.byIndex('identity', id).find((own) => placeOf(own) === claim);
      if (secret === undefined || writtenPolicy(secret) === wanted.get(claim)) wanted.delete(claim);
    }
    if (wanted.size === 0) this.#wanted.delete(id);
  }

  /** The object is gone: by its policy its Secrets go too, unless its kind itself is going away. @throws STORE_… */
  async cleanUp(key: QueueKey): Promise<void> {
    const id = `${key.namespace}/${key.name}`;
    const sinceMs = this.#doomed(key).length > 0 ? await this.#definedSinceMs() : 0;
    if (sinceMs === undefined) {
      // Removing our definitions removes no trust (L14), and bringing them back without the objects does not either: what is
      // there is kept from now on, until an object claims it again.
      for (const secret of this.#doomed(key)) this.#want(id, placeOf(secret), 'Retain');
      await this.keepKept(id);
      return;
    }
    // Looked up anew each time: while a call was on its way the object may have come back.
    for (let [secret] = this.#doomed(key, sinceMs); secret !== undefined; [secret] = this.#doomed(key, sinceMs)) {
      await this.#actor.deleteSecret(secret, `WorkloadIdentity ${id} was deleted`);
    }
    await this.keepKept(id);
    if (this.#secrets.countByIndex('identity', id) === 0) this.#createdMs.delete(id);
  }

  #want(id: string, claim: string, policy: DeletionPolicy): void {
    const wanted = this.#wanted.get(id) ?? new Map<string, DeletionPolicy>();
    this.#wanted.set(id, wanted.set(claim, policy));
  }

  /** The Secrets that were written for an identity and that none claims any more. */
  #left(id: string): readonly SecretMetadata[] {
    return this.#secrets.byIndex('identity', id).filter((secret) => this.#identities.byIndex('secretName', placeOf(secret)).length === 0);
  }

  /** Those of an identity that is gone that go by its policy. @param sinceMs since when its kind has been defined */
  #doomed(key: QueueKey, sinceMs = 0): readonly SecretMetadata[] {
    if (this.#identities.get(key.namespace, key.name) !== undefined) return [];
    const id = `${key.namespace}/${key.name}`;
    return this.leftovers(id).filter((secret) => this.#wasDeleted(id, secret, sinceMs));
  }

  /** Undefined while the definition of the kind is missing or going away: then nobody has deleted anything. */
  async #definedSinceMs(): Promise<number | undefined> {
    const { store } = this.#context;
    if (store.servedSinceMs !== undefined) return store.servedSinceMs('WorkloadIdentity');
    return (await store.serves('WorkloadIdentity')) ? 0 : undefined;
  }

  /**
   * Whether somebody deleted the object, in contrast to one that went with an earlier definition of its kind: such a one
   * was never an object of the present definition, and its Secret was issued before that came (L14).
   */
  #wasDeleted(id: string, secret: SecretMetadata, sinceMs: number): boolean {
    const createdMs = this.#createdMs.get(id) ?? deliveredSvid(secret)?.notBeforeMs ?? sinceMs;
    return createdMs >= sinceMs;
  }

  /** Whether the identity that the Secret was written for, and that left it, wanted it to stay. */
  #isKept(secret: SecretMetadata): boolean {
    const wanted = this.#wanted.get(`${secret.metadata.namespace ?? ''}/${ownerOf(secret) ?? ''}`)?.get(placeOf(secret));
    return (wanted ?? writtenPolicy(secret)) === 'Retain';
  }
}

function writtenPolicy(secret: SecretMetadata): string | undefined {
  return secret.metadata.annotations?.[annotations.deletionPolicy];
}

function placeOf({ metadata }: SecretMetadata): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function idOf({ metadata }: WorkloadIdentity): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
