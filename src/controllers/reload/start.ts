import type { WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains } from '../domains.ts';
import type { PodBook } from '../pod-warnings/pod-book.ts';
import { Cache } from '../runtime/cache.ts';
import { Controller } from '../runtime/controller.ts';
import { ownerOf } from '../workload-identity/secret.ts';
import { ReloadReconciler, type ReloadCaches } from './reconciler.ts';
import { RestartRounds } from './restart-rounds.ts';
import { Restarts } from './restarts.ts';
import { reloadedCondition } from './status.ts';

/** Calls wait for their pods, not for each other: so many identities at once. */
const atOnce = 16;

/** Restarts of different namespaces do not wait for each other. */
const namespacesAtOnce = 4;

/** What reloads work with. */
export interface ReloadParts {
  readonly context: ControllerContext;
  readonly caches: ReloadCaches;
  readonly domains: Domains;
  /** Undefined where pods are not looked at: then identities are told so. */
  readonly pods: PodBook | undefined;
  readonly started: Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * Starts to tell pods of changed files: to be called before the first delivery of a watch. It begins when `started` and the
 * pods are there.
 */
export function startReloads({ context, caches, domains, pods, started, signal }: ReloadParts): readonly Controller[] {
  const { identities, secrets } = caches;
  const restarts = pods !== undefined && context.cluster?.rolloutRestart === true ? startRestarts(context, (namespace, name) => controller.enqueue(namespace, name), signal) : undefined;
  const controller = new Controller(new ReloadReconciler(context, caches, domains, pods, restarts?.rounds, signal), { ...context, concurrency: atOnce });
  const look = (identity: WorkloadIdentity | undefined): void => {
    if (identity !== undefined && concerns(identity)) controller.enqueue(identity.metadata.namespace, identity.metadata.name);
  };
  identities.onChange((before, after) => {
    look(before);
    look(after);
  });
  secrets.onChange((before, after) => {
    const secret = after ?? before;
    const owner = secret === undefined ? undefined : ownerOf(secret);
    if (owner !== undefined) look(identities.get(secret?.metadata.namespace, owner));
  });
  pods?.onChange((change) => {
    if ('secret' in change) for (const identity of identities.byIndex('secretName', change.secret)) look(identity);
  });
  const lookAtAll = (): void => {
    for (const identity of identities.values()) look(identity);
  };
  void Promise.all([started, pods === undefined ? undefined : Promise.race([pods.whenSynced(), pods.whenRefused()])]).then(() => controller.start());
  void pods?.whenSynced().then(lookAtAll); // it may have begun without them
  return restarts === undefined ? [controller] : [controller, restarts.controller];
}

/** Whether reloads are asked for, or spoken of. */
function concerns({ spec, status }: WorkloadIdentity): boolean {
  return spec.reload !== undefined || status?.reload !== undefined || status?.conditions?.some(({ type }) => type === reloadedCondition) === true;
}

/** Without the right to see PodDisruptionBudgets it never begins: nobody is restarted whom one may protect. */
function startRestarts(context: ControllerContext, changed: (namespace: string, name: string) => void, signal: AbortSignal): { readonly rounds: RestartRounds; readonly controller: Controller } {
  const budgets = Cache.watching(context.store, 'PodDisruptionBudget', [{}], signal, (error) => (error === undefined ? undefined : context.metrics.storeInterrupted('PodDisruptionBudget')));
  budgets.addIndex('namespace', ({ metadata }) => [metadata.namespace ?? '']);
  const restarts = new Restarts(context, budgets, (identity) => {
    const [namespace = '', name = ''] = identity.split('/');
    changed(namespace, name);
  });
  const controller = new Controller(restarts, { ...context, concurrency: namespacesAtOnce });
  const look = (namespace: string | undefined): void => controller.enqueue(undefined, namespace ?? '');
  budgets.onChange((before, after) => look((after ?? before)?.metadata.namespace));
  void budgets.whenSynced().then(() => controller.start());
  return { rounds: new RestartRounds(context, restarts, { look, whyNot: () => budgets.whyUnknown('') }), controller };
}
