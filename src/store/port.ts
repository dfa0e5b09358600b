import type { ClusterTrustBundle, ConfigMap, Draft, Lease, Namespace, Node, Pod, PodCertificateRequest, Secret, Service, ServiceAccount, StoredObject } from '../resources/object.ts';
import type { DaemonSet, Deployment, PodDisruptionBudget, ReplicaSet, StatefulSet } from '../resources/workload-object.ts';
import type { CARotation, ClusterWorkloadIdentity, TrustDomain, WorkloadIdentity } from '../resources/index.ts';

/**
 * The store's port: the only way in which reconcilers and the API read and change the world. Adapters: `memory/`
 * (deterministic, with faults to inject), `directory/` (standalone) and `kubernetes/`; one contract suite holds for all.
 *
 * Promises: every change is a compare-and-swap on (uid, resourceVersion), or a creation that never adopts what exists;
 * a watch never ends by itself and never skips the newest state of an object; objects handed out are frozen. What an
 * adapter throws is an `MtlsdError` with a `STORE_…` code. Contents of Secrets never enter a watch: metadata only.
 */

/** The kinds that reconcilers read or write, by name. */
export interface Kinds {
  readonly TrustDomain: TrustDomain;
  readonly WorkloadIdentity: WorkloadIdentity;
  readonly ClusterWorkloadIdentity: ClusterWorkloadIdentity;
  readonly CARotation: CARotation;
  readonly Secret: Secret;
  readonly ConfigMap: ConfigMap;
  readonly ClusterTrustBundle: ClusterTrustBundle;
  readonly Lease: Lease;
  readonly Namespace: Namespace;
  readonly Node: Node;
  readonly ServiceAccount: ServiceAccount;
  readonly Pod: Pod;
  readonly Service: Service;
  readonly PodCertificateRequest: PodCertificateRequest;
  readonly ReplicaSet: ReplicaSet;
  readonly Deployment: Deployment;
  readonly StatefulSet: StatefulSet;
  readonly DaemonSet: DaemonSet;
  readonly PodDisruptionBudget: PodDisruptionBudget;
}

/** A kind's name. */
export type Kind = keyof Kinds;

/** What a watch of a kind delivers: Secrets come as metadata only, a PodCertificateRequest that was decided without key and chain. */
export type Watched<K extends Kind> = K extends 'Secret' ? SecretMetadata : Kinds[K];

/** A Secret without type and data. */
export interface SecretMetadata extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
}

/** Where an object is. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectKey<K extends Kind = Kind> {
  readonly kind: K;
  readonly namespace?: string;
  readonly name: string;
}

/** Names the one state of one object that a change is based on. */
export interface Precondition {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What a watch is restricted to: exact labels, exact fields that the API can select by, and one namespace or all. */
export interface WatchSelector {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** By path, such as `spec.signerName`. */
  readonly fields?: Readonly<Record<string, string>>;
}

/**
 * Receives a watch. A snapshot is complete and may come again at any time (after a gap that could not be bridged): it
 * replaces all that came before. Deltas may repeat; the newest state of each object always arrives in the end.
 */
export interface WatchHandler<T extends StoredObject> {
  snapshot(objects: readonly T[]): void;
  upsert(object: T): void;
  /** `last` is the object as it was last seen; mind its uid: another of the same name may follow. */
  remove(last: T): void;
  /** The watch is interrupted (it goes on trying by itself) or, with undefined, goes on again. For health and logs. */
  interrupted?(error: Error | undefined): void;
}

/** See the head of this file. */
export interface Store {
  /** Starts a watch that goes on until `signal` aborts. Handler calls never overlap and never happen inside this call. */
  watch<K extends Kind>(kind: K, selector: WatchSelector, handler: WatchHandler<Watched<K>>, signal: AbortSignal): void;

  /** The object as it is now, or undefined. Always a fresh read. @throws STORE_UNAVAILABLE, STORE_FORBIDDEN */
  get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined>;

  /**
   * Creates (`absent`) or replaces everything but `status` (a precondition), in one atomic step that readers see whole.
   * Returns the object as stored. A replacement that changes nothing keeps the resourceVersion.
   * @throws STORE_ALREADY_EXISTS, STORE_CONFLICT, STORE_NOT_FOUND, STORE_INVALID, STORE_TERMINATING, STORE_FORBIDDEN, STORE_UNAVAILABLE
   */
  write<K extends Kind>(object: Draft<Kinds[K]> & { readonly kind: K }, expect: 'absent' | Precondition): Promise<Kinds[K]>;

  /** Replaces `status`, nothing else. @throws as write does */
  patchStatus<K extends StatusKind>(key: ObjectKey<K>, status: StatusOf<K>, expect: Precondition): Promise<Kinds[K]>;

  /** Deletes exactly the state that `expect` names. @throws STORE_NOT_FOUND, STORE_CONFLICT, STORE_FORBIDDEN, STORE_UNAVAILABLE */
  delete(key: ObjectKey, expect: Precondition): Promise<void>;

  /**
   * Whether the API that stores this kind is there to stay. False while its CustomResourceDefinition is missing or being
   * deleted: then the absence of an object is no wish of a user's, and nothing may be deleted because of it.
   */
  serves(kind: Kind): Promise<boolean>;

  /**
   * Since when the API that stores this kind has been there, milliseconds since the epoch; undefined while `serves` is false.
   * Objects of an earlier definition went with it, and not by a user's wish. Left out by stores whose kinds never go.
   * @throws as `serves` does
   */
  servedSinceMs?(kind: Kind): Promise<number | undefined>;
}

/** Kinds with a status subresource. */
export type StatusKind = { [K in Kind]: Kinds[K] extends { readonly status?: unknown } ? K : never }[Kind];

/** The status of a kind. */
export type StatusOf<K extends StatusKind> = NonNullable<Kinds[K]['status']>;
