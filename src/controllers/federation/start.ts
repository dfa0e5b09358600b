import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import { Controller } from '../runtime/controller.ts';
import type { Federation } from './federation.ts';
import { FederationReconciler } from './reconciler.ts';

/** Slow peers keep a place for seconds each: more of them than anybody federates with. */
const concurrency = 64;

/** What fetching the bundles of others needs. */
export interface FederationStart {
  readonly context: ControllerContext;
  readonly caches: IdentityCaches;
  readonly federation: Federation;
  readonly trustDomainController: Controller;
  readonly identityController: Controller;
  /** When trust domains are open. */
  readonly started: Promise<void>;
  readonly signal: AbortSignal;
}

/** Starts to fetch the bundles of other trust domains, where the process can. */
export function startFederation({ context, caches, federation, trustDomainController, identityController, started, signal }: FederationStart): readonly Controller[] {
  const { fetchBundle } = context;
  const { trustDomains, identities } = caches;
  const controller = fetchBundle && new Controller(new FederationReconciler(context, trustDomains, federation, fetchBundle, signal), { ...context, concurrency });
  federation.onChange((own) => {
    for (const name of federation.names(own)) controller?.enqueue(own, name);
    trustDomainController.enqueue(undefined, own);
    for (const { metadata, spec } of identities.values()) if (spec.federatesWith !== undefined) identityController.enqueue(metadata.namespace, metadata.name);
  });
  if (controller === undefined) return [];
  void started.then(() => controller.start());
  return [controller];
}
