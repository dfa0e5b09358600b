import type { WorkloadIdentity } from '../resources/index.ts';
import type { IdentityCaches } from './caches.ts';
import type { ControllerContext } from './context.ts';
import type { Domains } from './domains.ts';
import { startInjectedPods } from './injected-pod/start.ts';
import { watchPods } from './pod-watch.ts';
import type { CertificateEnds } from './pod-certificate/certificate-ends.ts';
import type { PodFindings } from './pod-warnings/judge.ts';
import { startPodWarnings } from './pod-warnings/start.ts';
import { startReloads } from './reload/start.ts';
import type { Controller } from './runtime/controller.ts';

/** What those who look at pods work with. */
export interface PodParts {
  readonly context: ControllerContext;
  readonly caches: IdentityCaches;
  /** When certificates of pods end, where mtlsd signs them. */
  readonly ends: CertificateEnds;
  readonly domains: Domains;
  /** Whoever writes the status of identities. */
  readonly identityReconciler: { tellOfPods(find: (identity: WorkloadIdentity) => PodFindings | undefined): void };
  readonly identityController: Controller;
  /** Resolves when identities were looked at once. */
  readonly started: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** Starts everything that looks at pods, over one watch of them: to be called before the first delivery of a watch. */
export function startPods({ context, caches, domains, ends, identityReconciler, identityController, started, signal }: PodParts): readonly Controller[] {
  const reloads = { context, caches, domains, started, signal };
  if (context.cluster?.podWarnings !== true) return startReloads({ ...reloads, pods: undefined });
  const wake = ({ metadata }: WorkloadIdentity): void => identityController.enqueue(metadata.namespace, metadata.name);
  const warnings = startPodWarnings(context, caches.identities, ends, wake, started);
  identityReconciler.tellOfPods((identity) => warnings.findings.of(identity));
  const injected = startInjectedPods(context, caches.identities, started);
  watchPods(context, [warnings.pods, injected.pods], signal);
  return [warnings.controller, injected.controller, ...startReloads({ ...reloads, pods: warnings.pods })];
}
