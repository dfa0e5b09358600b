import type { WorkloadIdentity } from '../resources/index.ts';
import type { IdentityCaches } from './caches.ts';
import type { ControllerContext } from './context.ts';
import { startInjectedPods } from './injected-pod/start.ts';
import { watchPods } from './pod-watch.ts';
import { startPodWarnings } from './pod-warnings/start.ts';
import type { Controller } from './runtime/controller.ts';
import type { WorkloadIdentityReconciler } from './workload-identity/reconciler.ts';

/** What those who look at pods work with. */
export interface PodParts {
  readonly context: ControllerContext;
  readonly caches: IdentityCaches;
  readonly identityReconciler: WorkloadIdentityReconciler;
  readonly identityController: Controller;
  /** Resolves when identities were looked at once. */
  readonly started: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** Starts everything that looks at pods, over one watch of them: to be called before the first delivery of a watch. */
export function startPods({ context, caches, identityReconciler, identityController, started, signal }: PodParts): readonly Controller[] {
  if (context.cluster?.podWarnings !== true) return [];
  const wake = ({ metadata }: WorkloadIdentity): void => identityController.enqueue(metadata.namespace, metadata.name);
  const warnings = startPodWarnings(context, caches.identities, wake, started);
  identityReconciler.tellOfPods((identity) => warnings.findings.of(identity));
  const injected = startInjectedPods(context, caches.identities, started);
  watchPods(context, [warnings.pods, injected.pods], signal);
  return [warnings.controller, injected.controller];
}
