/**
 * An API server of Kubernetes 1.35 or 1.36, as far as mtlsd can see: certificates.k8s.io has pod certificates and cluster
 * trust bundles at v1beta1 alone. kubelet is of 1.37, speaks v1 with the same objects, and does not notice.
 */
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import type { Site } from '../cluster/controller-site.ts';
import { FaultProxy } from '../cluster/faults-proxy.ts';

const newer = /^\/apis\/certificates\.k8s\.io\/v1(?:\/|$)/u;
const statusWrite = /^\/apis\/certificates\.k8s\.io\/v1beta1\/namespaces\/[^/]+\/podcertificaterequests\/[^/]+\/status$/u;

export class OlderCertificates implements AsyncDisposable {
  readonly #proxy: FaultProxy;

  private constructor(proxy: FaultProxy) {
    this.#proxy = proxy;
    const notFound = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'the server could not find the requested resource', reason: 'NotFound', code: 404 };
    proxy.onRequest = ({ path }) => (newer.test(path) ? { answer: 404, headers: { 'content-type': 'application/json' }, body: JSON.stringify(notFound) } : undefined);
  }

  static async start(cluster: Cluster): Promise<OlderCertificates> {
    return new OlderCertificates(await FaultProxy.start(cluster));
  }

  /** Requests whose status was written at v1beta1. */
  get answered(): number {
    return this.#proxy.seen.filter(({ method, path }) => (method === 'PUT' || method === 'PATCH') && statusWrite.test(path)).length;
  }

  /** mtlsd's, by way of here. */
  async kubeconfig(site: Site): Promise<string> {
    return this.#proxy.writeKubeconfig(join(site.folder, 'kubeconfig-older'), await site.token('mtlsd'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
  }
}
