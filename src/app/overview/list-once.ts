import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import type { Kind, Store, Watched, WatchSelector } from '../../store/port.ts';
import { systemClock } from '../clock.ts';

/** How long a person waits for an API server before being told what is wrong with it. */
const patienceMs = 10_000;

/**
 * The objects of a kind as they are now: the first snapshot of a watch, which is ended with it.
 *
 * @throws STORE_FORBIDDEN, STORE_UNAVAILABLE; the watch would wait for ever, a person does not
 */
export async function listOnce<K extends Kind>(store: Store, kind: K, selector: WatchSelector = {}): Promise<readonly Watched<K>[]> {
  const end = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<readonly Watched<K>[]>();
  const cancel = systemClock.schedule(systemClock.nowMs() + patienceMs, () => {
    reject(new MtlsdError('STORE_UNAVAILABLE', `the API server does not answer within ${patienceMs / 1000}s: is it reachable, and is the kubeconfig the right one?`, { details: { object: kind } }));
  });
  store.watch(
    kind,
    selector,
    {
      snapshot: (objects) => resolve(objects),
      upsert: () => undefined,
      remove: () => undefined,
      interrupted: (error) => (isMtlsdError(error) ? reject(error) : undefined),
    },
    end.signal,
  );
  try {
    return await promise;
  } finally {
    cancel();
    end.abort();
  }
}
