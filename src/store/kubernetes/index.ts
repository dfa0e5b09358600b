/**
 * The store's port on a Kubernetes API server: authentication from a kubeconfig or the pod's service account over one pooled
 * transport, writes that compare and swap, watches that go on for ever. It never adopts a foreign object, never applies
 * without a precondition, and never keeps the contents of a Secret that it watches.
 */
export { reviewAccess, type ReviewedAccess, type ReviewedUser } from './access-review.ts';
export { createEventRecorder, type ApiEventRecorder, type EventRecorderOptions } from './event-recorder.ts';
export { KubernetesStore } from './kubernetes-store.ts';
export { openKubernetesStore, type KubernetesOptions } from './open.ts';
export { reviewToken, type TokenReview } from './token-review.ts';
