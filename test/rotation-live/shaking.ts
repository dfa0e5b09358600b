import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../conformance/federated-side.ts';
import type { Peer } from '../conformance/peers/peer.ts';

type End = readonly [stack: Peer, workload: Workload];
type Pair = readonly [server: End, client: End];

/** Either of two workloads serves the other, on each of these stacks at either end. */
export function betweenBoth(stacks: readonly Peer[], one: Workload, other: Workload): readonly Pair[] {
  return stacks.flatMap((server) => stacks.flatMap((client): readonly Pair[] => [[[server, one], [client, other]], [[server, other], [client, one]]]));
}

/** Handshakes between two workloads, one after the other, each by what is delivered at its moment. */
export class Shaking {
  ok = 0;
  readonly failed: string[] = [];
  readonly #ended = new AbortController();
  readonly #pauseMs: number;
  readonly #running: Promise<void>;

  /** @param pauseMs between two handshakes of a pair */
  constructor(pairs: readonly Pair[], pauseMs = 50) {
    this.#pauseMs = pauseMs;
    this.#running = Promise.all(pairs.map(async ([server, client]) => this.#shake(server, client))).then(() => undefined);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async #shake([serverStack, server]: End, [clientStack, client]: End): Promise<void> {
    const { signal } = this.#ended;
    await using serving = await serverStack.serve(server.folder, client.spiffeId);
    await using dialing = await clientStack.dial(client.folder);
    while (!signal.aborted) {
      const dialed = await dialing.dial(serving.port, server.spiffeId, '1.3');
      const served = await serving.next();
      if (dialed.ok && served.ok) this.ok += 1;
      else this.failed.push(`${serverStack.name} at ${server.spiffeId} from ${clientStack.name}: ${JSON.stringify([served, dialed])}`);
      await sleep(this.#pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
