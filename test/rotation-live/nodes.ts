/** Nodes as the API server knows them, with pods that mount Secrets, and kubelets that renew their Leases. Nobody runs the pods. */
import type { ApiClient, WireObject } from '../bench/api-client.ts';

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const longAgo = '2026-01-01T00:00:00Z';
/** How often these renew their Leases; real ones do every ten seconds. */
export const renewEveryMs = 1_000;

/** A node that is ready, with one pod that mounts the Secrets of these workloads. */
export async function addNode(client: ApiClient, node: string, namespace: string, workloads: readonly string[]): Promise<void> {
  const made = await client.send('POST', '/api/v1/nodes', { metadata: { name: node } });
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '', lastTransitionTime: longAgo, lastHeartbeatTime: longAgo }];
  await client.send('PUT', `/api/v1/nodes/${node}/status`, { ...made, status: { conditions } });
  const mounts = workloads.map((name) => ({ name, mountPath: `/identities/${name}` }));
  await client.send('POST', `/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name: `pod-of-${node}` },
    spec: {
      nodeName: node,
      automountServiceAccountToken: false,
      containers: [{ name: 'all', image: 'nobody.example/runs-it', volumeMounts: mounts }],
      volumes: workloads.map((name) => ({ name, secret: { secretName: `${name}-mtls` } })),
    },
  });
}

/** The kubelets of some nodes, as far as they say that they are alive. */
export class Kubelets implements AsyncDisposable {
  readonly #client: ApiClient;
  readonly #held = new Map<string, WireObject>();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(client: ApiClient) {
    this.#client = client;
    this.#timer = setInterval(() => void (this.#renewing = this.#renewing.then(async () => this.#renew()).catch(() => undefined)), renewEveryMs);
  }

  static async start(client: ApiClient, nodes: readonly string[]): Promise<Kubelets> {
    const kubelets = new Kubelets(client);
    for (const node of nodes) kubelets.#held.set(node, await client.send('POST', leases, { metadata: { name: node }, spec: leaseOf(node) }));
    return kubelets;
  }

  /** This one says nothing any more. */
  fail(node: string): void {
    this.#held.delete(node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    for (const [node, lease] of this.#held) {
      const renewed = await this.#client.send('PUT', `${leases}/${node}`, { ...lease, spec: leaseOf(node) });
      if (this.#held.has(node)) this.#held.set(node, renewed);
    }
  }
}

function leaseOf(node: string): object {
  return { holderIdentity: node, leaseDurationSeconds: 4, renewTime: new Date().toISOString().replace('Z', '000Z') };
}
