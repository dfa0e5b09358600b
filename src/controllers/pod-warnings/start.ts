import type { WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { CertificateEnds } from '../pod-certificate/certificate-ends.ts';
import type { Cache } from '../runtime/cache.ts';
import { Controller } from '../runtime/controller.ts';
import { PodBook } from './pod-book.ts';
import { PodWarningsReconciler } from './reconciler.ts';

/** It only computes. */
const atOnce = 1;

/** What runs, and where the reconciler of identities finds what is told. */
export interface PodWarnings {
  readonly controller: Controller;
  readonly findings: PodWarningsReconciler;
  /** What a watch of pods has to fill. */
  readonly pods: PodBook;
}

/**
 * Starts to look at pods: to be called before the first delivery of a watch. It begins when `started` and the pods are
 * there; without the right to see pods it never does, and nothing is told of them.
 */
export function startPodWarnings(context: ControllerContext, identities: Cache<WorkloadIdentity>, ends: CertificateEnds, wake: (identity: WorkloadIdentity) => void, started: Promise<unknown>): PodWarnings {
  const pods = new PodBook();
  const findings = new PodWarningsReconciler(context, identities, pods, ends, wake);
  const controller = new Controller(findings, { ...context, concurrency: atOnce });
  const look = ({ metadata }: WorkloadIdentity): void => controller.enqueue(metadata.namespace, metadata.name);
  pods.onChange((change) => {
    const found = 'secret' in change ? identities.byIndex('secretName', change.secret) : identities.byIndex('serviceAccount', change.account);
    for (const identity of found) look(identity);
  });
  ends.onChange(({ metadata: { namespace = '' }, spec }) => {
    // A pod that waits for it is looked at when it runs: of a herd that starts nobody is looked at twice.
    if (!pods.runs(namespace, spec.podName)) return;
    for (const identity of identities.byIndex('serviceAccount', `${namespace}/${spec.serviceAccountName}`)) look(identity);
  });
  identities.onChange((before, after) => {
    const identity = after ?? before;
    if (identity !== undefined && !sameForPods(before, after)) look(identity);
  });
  void Promise.all([started, pods.whenSynced()]).then(() => controller.start());
  return { controller, findings, pods };
}

/** What its pods tell depends on nothing else of an identity. */
function sameForPods(before: WorkloadIdentity | undefined, after: WorkloadIdentity | undefined): boolean {
  return before?.metadata.uid === after?.metadata.uid && before?.metadata.generation === after?.metadata.generation && before?.status?.notAfter === after?.status?.notAfter;
}
