import { injectLabel, injectValues } from '../../injection/index.ts';
import type { Pod, WorkloadIdentity } from '../../resources/index.ts';
import type { WatchSelector } from '../../store/port.ts';
import type { ControllerContext } from '../context.ts';
import type { Cache } from '../runtime/cache.ts';
import { Controller } from '../runtime/controller.ts';
import type { IdentityLookup } from './judge.ts';
import { InjectedPodReconciler } from './reconciler.ts';

/** The pods that ask for their identity: no others are in memory. */
export const injectedPods: readonly WatchSelector[] = injectValues.map((value) => ({ labels: { [injectLabel]: value } }));

/** It only looks: one at a time is enough. */
const atOnce = 1;

/**
 * Starts to tell pods what keeps them from their identity: to be called before the first delivery of a watch. It begins when
 * `started` and the pods are there; without the right to see pods it never does, and holds up nobody.
 */
export function startInjectedPods(context: ControllerContext, pods: Cache<Pod>, identities: Cache<WorkloadIdentity>, started: Promise<unknown>): Controller {
  pods.addIndex('namespace', ({ metadata }) => [metadata.namespace ?? '']);
  const lookup: IdentityLookup = {
    named: (namespace, name) => identities.get(namespace, name),
    claiming: (namespace, secretName) => identities.byIndex('secretName', `${namespace}/${secretName}`),
  };
  const controller = new Controller(new InjectedPodReconciler(context, pods, lookup), { ...context, concurrency: atOnce });
  pods.onChange((before, after) => {
    const pod = after ?? before;
    if (pod !== undefined) controller.enqueue(pod.metadata.namespace, pod.metadata.name);
  });
  identities.onChange((before, after) => {
    if (sameForPods(before, after)) return;
    for (const pod of pods.byIndex('namespace', (after ?? before)?.metadata.namespace ?? '')) controller.enqueue(pod.metadata.namespace, pod.metadata.name);
  });
  // Identities are looked at once before: a restart must not tell of identities that are only not known yet.
  void Promise.all([started, pods.whenSynced()]).then(() => controller.start());
  return controller;
}

/** A renewal changes nothing for a pod. */
function sameForPods(before: WorkloadIdentity | undefined, after: WorkloadIdentity | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const ready = ({ status }: WorkloadIdentity): string | undefined => {
    const condition = status?.conditions?.find(({ type }) => type === 'Ready');
    return condition === undefined ? undefined : `${condition.status} ${condition.message}`;
  };
  return (
    before.metadata.uid === after.metadata.uid &&
    before.metadata.generation === after.metadata.generation &&
    before.status?.trustDomain === after.status?.trustDomain &&
    (ready(before) === ready(after) || (isReady(before) && isReady(after)))
  );
}

function isReady({ status }: WorkloadIdentity): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}
