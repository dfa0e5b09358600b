import { publishedKeys, readPublishedKeys, type Controllers } from '../../controllers/index.ts';
import { oidcRoutes, type PublishedJwtKeys, type RouteFamily } from '../../server/index.ts';
import { listOnce } from '../overview/list-once.ts';
import type { BundleParts } from './bundles.ts';

/** What keys are published from. */
export type KeyParts = Omit<BundleParts, 'reads'>;

type Published = ReadonlyMap<string, PublishedJwtKeys>;

/** How long what was read from the store is shown: strangers decide how often they ask. */
const readAgainMs = 2_000;

/** Discovery and keys of all trust domains, in every replica: whoever verifies a token does not ask again elsewhere. */
export function oidcFamily(parts: KeyParts): RouteFamily {
  const standby = new StandbyKeys(parts);
  const published = async (): Promise<Published> => {
    const running = parts.controllers();
    return running === undefined ? standby.read() : keysOf(running, parts.clock.nowMs());
  };
  return oidcRoutes({ published }, parts.clock);
}

function keysOf({ domains }: Controllers, nowMs: number): Published {
  return mapOf(domains.all().map((state) => [state.object.metadata.name, publishedKeys(state, nowMs)]));
}

/** Keys as the store has them, read once for many who ask. */
class StandbyKeys {
  readonly #parts: KeyParts;
  #known: { readonly atMs: number; readonly read: Promise<Published> } | undefined;

  constructor(parts: KeyParts) {
    this.#parts = parts;
  }

  async read(): Promise<Published> {
    const nowMs = this.#parts.clock.nowMs();
    if (this.#known !== undefined && nowMs - this.#known.atMs < readAgainMs) return this.#known.read;
    const known = { atMs: nowMs, read: this.#readStore() };
    this.#known = known;
    // What failed is tried again by the next who asks.
    known.read.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return known.read;
  }

  async #readStore(): Promise<Published> {
    const objects = await listOnce(this.#parts.store, 'TrustDomain');
    return mapOf(await Promise.all(objects.map(async (object) => [object.metadata.name, await readPublishedKeys(this.#parts, object, objects)] as const)));
  }
}

function mapOf(entries: readonly (readonly [string, PublishedJwtKeys | undefined])[]): Published {
  return new Map(entries.flatMap(([name, keys]) => (keys === undefined ? [] : [[name, keys] as const])));
}
