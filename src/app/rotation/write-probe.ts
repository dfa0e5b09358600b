import { isMtlsdError } from '../../errors/index.ts';
import type { ConfigMap, Draft } from '../../resources/index.ts';
import type { Precondition, Store } from '../../store/port.ts';

/** How fast the place takes writes that nobody reads, and how soon a watch shows them. */
export interface WriteProbe {
  readonly writes: number;
  readonly writesPerSecond: number;
  readonly seenSeconds: number;
  /** What was written, for people. */
  readonly where: string;
}

/** As many writes under way as a controller has, and how often each object is written. */
const objects = 16;
const rounds = 5;
/** About the size of a bundle with two roots. */
const content = 'x'.repeat(2_048);
const label = 'mtlsd.io/drill';

type Draughted = Draft<ConfigMap> & { readonly kind: 'ConfigMap' };

/**
 * Writes ConfigMaps that nobody reads, looks when a watch shows them, and removes them again.
 * @param name of this probe: no two have the same
 * @throws STORE_UNAVAILABLE; what it may not do is an answer, not an error
 */
export async function probeConfigMaps(store: Store, namespace: string, name: string): Promise<WriteProbe | { readonly unmeasured: string }> {
  const draft = (index: number, round: number): Draughted => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: `mtlsd-drill-${name}-${index}`, labels: { [label]: name } }, data: { 'ca.crt': content, round: String(round) } });
  const watching = new AbortController();
  const seen = new SightOf(rounds);
  const made = new Map<number, ConfigMap>();
  try {
    await seen.listening(store, namespace, name, watching.signal);
    const startMs = performance.now();
    const writeOne = async (index: number): Promise<void> => {
      for (let round = 0; round <= rounds; round += 1) {
        const before = made.get(index);
        if (round === rounds) seen.expect(index);
        made.set(index, await store.write(draft(index, round), before === undefined ? 'absent' : preconditionOf(before)));
        if (round === rounds) seen.written(index);
      }
    };
    // All have ended before anything is removed.
    const outcomes = await Promise.allSettled(Array.from({ length: objects }, async (_, index) => writeOne(index)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    const seconds = (performance.now() - startMs) / 1000;
    const writes = objects * (rounds + 1);
    return { writes, writesPerSecond: writes / seconds, seenSeconds: await seen.slowestSeconds(), where: `${objects} ConfigMaps mtlsd-drill-${name}-… in namespace ${namespace}, removed again` };
  } catch (error) {
    if (!isMtlsdError(error, 'STORE_FORBIDDEN')) throw error;
    return { unmeasured: error.message };
  } finally {
    watching.abort();
    await Promise.all([...made.values()].map(async (object) => store.delete({ kind: 'ConfigMap', namespace, name: object.metadata.name }, preconditionOf(object))));
  }
}

function preconditionOf({ metadata: { uid, resourceVersion } }: ConfigMap): Precondition {
  return { uid, resourceVersion };
}

/** When a watch shows what was written last. */
class SightOf {
  readonly #last: string;
  readonly #expected = new Map<string, PromiseWithResolvers<number>>();
  readonly #writtenMs = new Map<string, number>();

  constructor(last: number) {
    this.#last = String(last);
  }

  /** Resolves when the watch listens. @throws STORE_FORBIDDEN */
  async listening(store: Store, namespace: string, name: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = ({ metadata, data }: ConfigMap): void => {
      if (data['round'] === this.#last) this.#expected.get(metadata.name.replace(/.*-/u, ''))?.resolve(performance.now());
    };
    const interrupted = (error: Error | undefined): void => (isMtlsdError(error, 'STORE_FORBIDDEN') ? reject(error) : undefined);
    const snapshot = (all: readonly ConfigMap[]): void => {
      resolve();
      for (const object of all) look(object);
    };
    store.watch('ConfigMap', { namespace, labels: { [label]: name } }, { snapshot, upsert: look, remove: () => undefined, interrupted }, signal);
    await promise;
  }

  expect(index: number): void {
    this.#expected.set(String(index), Promise.withResolvers());
  }

  written(index: number): void {
    this.#writtenMs.set(String(index), performance.now());
  }

  async slowestSeconds(): Promise<number> {
    const waits = await Promise.all([...this.#expected].map(async ([index, { promise }]) => (await promise) - (this.#writtenMs.get(index) ?? 0)));
    return Math.max(0, ...waits) / 1000;
  }
}
