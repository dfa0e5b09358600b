import type { Pod } from '../resources/index.ts';
import type { WatchHandler } from '../store/port.ts';
import type { ControllerContext } from './context.ts';

/** Somebody who looks at pods: what a watch of all pods fills it with. */
export interface PodAudience {
  handler(): WatchHandler<Pod>;
}

/** The one watch of pods that identities have: all who look at pods hang on it, and each keeps what it needs of them. */
export function watchPods({ store, metrics }: Pick<ControllerContext, 'store' | 'metrics'>, audience: readonly PodAudience[], signal: AbortSignal): void {
  const handlers = audience.map((each) => each.handler());
  store.watch(
    'Pod',
    {},
    {
      snapshot: (pods) => handlers.forEach((handler) => handler.snapshot(pods)),
      upsert: (pod) => handlers.forEach((handler) => handler.upsert(pod)),
      remove: (last) => handlers.forEach((handler) => handler.remove(last)),
      interrupted: (error) => {
        if (error !== undefined) metrics.storeInterrupted('Pod');
        for (const handler of handlers) handler.interrupted?.(error);
      },
    },
    signal,
  );
}
