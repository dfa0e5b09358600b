import type { LabelSelector } from './label-selector.ts';
import type { ObjectMeta, StoredObject } from './object.ts';

/** What makes the pods of a workload, as far as mtlsd reads it. It is written back as it was read, but for an annotation. */
interface PodTemplate {
  readonly metadata?: Pick<ObjectMeta, 'labels' | 'annotations'>;
}

/** apps/v1 Deployment. `replicas` is 1 where it is left out; counts of the status that are 0 are left out. */
export interface Deployment extends StoredObject {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'Deployment';
  readonly spec: { readonly replicas?: number; readonly paused?: boolean; readonly template: PodTemplate };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

/** apps/v1 StatefulSet. */
export interface StatefulSet extends StoredObject {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'StatefulSet';
  readonly spec: { readonly replicas?: number; readonly updateStrategy?: { readonly type?: string }; readonly template: PodTemplate };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
}

/** apps/v1 DaemonSet. */
export interface DaemonSet extends StoredObject {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'DaemonSet';
  readonly spec: { readonly updateStrategy?: { readonly type?: string }; readonly template: PodTemplate };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
  };
}

/** apps/v1 ReplicaSet: whose it is, is all that mtlsd reads. */
export interface ReplicaSet extends StoredObject {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'ReplicaSet';
}

/** policy/v1 PodDisruptionBudget: which pods it protects (no selector: none), and how many of them may go now. */
export interface PodDisruptionBudget extends StoredObject {
  readonly apiVersion: 'policy/v1';
  readonly kind: 'PodDisruptionBudget';
  readonly spec: { readonly selector?: LabelSelector };
  readonly status?: { readonly observedGeneration?: number; readonly disruptionsAllowed: number };
}
