import type { WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { Cache } from '../runtime/cache.ts';
import { Controller } from '../runtime/controller.ts';
import { InjectedPods } from './injected-pods.ts';
import type { IdentityLookup } from './judge.ts';
import { InjectedPodReconciler } from './reconciler.ts';

/** It only looks: one at a time is enough. */
const atOnce = 1;

/** What runs, and what a watch of pods has to fill. */
export interface InjectedPodWatch {
  readonly controller: Controller;
  readonly pods: InjectedPods;
}

/**
 * Starts to tell pods what keeps them from their identity: to be called before the first delivery of a watch. It begins when
 * `started` and the pods are there; without the right to see pods it never does, and holds up nobody.
 */
export function startInjectedPods(context: ControllerContext, identities: Cache<WorkloadIdentity>, started: Promise<unknown>): InjectedPodWatch {
  const pods = new InjectedPods();
  const lookup: IdentityLookup = {
    named: (namespace, name) => identities.get(namespace, name),
    claiming: (namespace, secretName) => identities.byIndex('secretName', `${namespace}/${secretName}`),
  };
  const controller = new Controller(new InjectedPodReconciler(context, pods, lookup), { ...context, concurrency: atOnce });
  pods.onChange(({ metadata }) => controller.enqueue(metadata.namespace, metadata.name));
  identities.onChange((before, after) => {
    if (sameForPods(before, after)) return;
    const concerned = [before, after].flatMap((identity) => (identity === undefined ? [] : pods.concernedBy(identity)));
    for (const { metadata } of concerned) controller.enqueue(metadata.namespace, metadata.name);
  });
  // Identities are looked at once before: a restart must not tell of identities that are only not known yet.
  void Promise.all([started, pods.whenSynced()]).then(() => controller.start());
  return { controller, pods };
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
