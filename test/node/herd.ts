/** Pods that do nothing but hold a pod certificate each: what kubelet asks for again, all at once, when it starts. */
import { expect, vi } from 'vitest';
import { identity, namespace, serviceAccount, type Live } from '../cluster/controller-site.ts';
import { imageName } from '../cluster/node/images.ts';
import { podOf } from './mesh.ts';
import { patienceMs, type NodeSite } from './node-site.ts';

const place = 'herd';
const names = Array.from({ length: 24 }, (_, index) => `herd-${index}`);

export class Herd implements AsyncDisposable {
  readonly #node: NodeSite;

  private constructor(node: NodeSite) {
    this.#node = node;
  }

  /** Starts them and waits until all have their certificate. */
  static async start(node: NodeSite): Promise<Herd> {
    const { site } = node;
    const container = { image: imageName('shell'), command: ['sleep', '100000'] };
    const pods = names.map((name) => podOf({ namespace: place, name, delivery: 'pod-certificate' }, container, { hostNetwork: true, serviceAccountName: place }));
    await site.apply(namespace(place), serviceAccount(place, place), identity(place, place), ...pods);
    const herd = new Herd(node);
    await herd.seeCertified(1);
    await vi.waitFor(async () => expect((await site.list(`/api/v1/namespaces/${place}/pods`)).filter(({ status }) => status?.['phase'] === 'Running')).toHaveLength(names.length), { timeout: patienceMs, interval: 500 });
    return herd;
  }

  /** Waits until each pod's key was certified so often, and no request is left open. */
  async seeCertified(times: number): Promise<void> {
    await vi.waitFor(
      async () => {
        const requests = await this.#node.site.list(`/apis/certificates.k8s.io/v1/namespaces/${place}/podcertificaterequests`);
        expect(requests.filter((request) => !isIssued(request))).toEqual([]);
        const behind = names.filter((name) => requests.filter(({ spec }) => spec?.['podName'] === name).length < times);
        expect(behind).toEqual([]);
      },
      { timeout: patienceMs, interval: 500 },
    );
  }

  /**
   * Waits until the requests are gone, and kubelet has heard it from its watch: one of 1.37.2 panics when a list after an
   * outage tells it first (cache.DeletedFinalStateUnknown), and nobody starts it again here.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.site.kubectl(['delete', 'namespace', place, '--wait', '--timeout=180s']);
  }
}

function isIssued({ status }: Live): boolean {
  return status?.conditions?.some(({ type }) => type === 'Issued') === true;
}
