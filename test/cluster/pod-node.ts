/** A node without a kubelet: its pods in the eyes of the API server, and the requests that are made as that node. */
import { vi } from 'vitest';
import type { ApiAnswer, ApiClient, Identity } from './chart-api.ts';
import { podDraft, requestDraft } from './pod-requests.ts';

/** An object as the API server answers with it. */
export interface Stored {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string; readonly resourceVersion: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
    readonly certificateChain?: string;
    readonly notBefore?: string;
    readonly notAfter?: string;
    readonly beginRefreshAt?: string;
  };
}

/** What a request says besides what follows from its pod. */
export interface RequestSpec {
  readonly maxExpirationSeconds?: number;
  readonly unverifiedUserAnnotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** One node, its pods, and what its kubelet asks the API server for. */
export class PodNode {
  readonly #api: ApiClient;
  readonly #version: 'v1' | 'v1beta1';
  readonly name: string;
  readonly #uid: string;

  private constructor(api: ApiClient, version: 'v1' | 'v1beta1', name: string, uid: string) {
    this.#api = api;
    this.#version = version;
    this.name = name;
    this.#uid = uid;
  }

  /** Registers a node. @param version of PodCertificateRequests that this API server serves */
  static async register(api: ApiClient, name: string, version: 'v1' | 'v1beta1' = 'v1'): Promise<PodNode> {
    const { body } = await accepted(api.send('POST', '/api/v1/nodes', { metadata: { name } }));
    return new PodNode(api, version, name, (body as Stored).metadata.uid);
  }

  /** The user that its kubelet is. */
  get user(): Identity {
    return { user: `system:node:${this.name}`, groups: ['system:nodes', 'system:authenticated'] };
  }

  /** A pod that runs here, in the eyes of the API server. Its service account must exist. */
  async pod(namespace: string, name: string, serviceAccountName: string, labels: Readonly<Record<string, string>> = {}): Promise<Stored> {
    const { body } = await accepted(this.#api.send('POST', `/api/v1/namespaces/${namespace}/pods`, podDraft(namespace, name, serviceAccountName, this.name, labels)));
    return body as Stored;
  }

  /** The request that kubelet makes for a pod. */
  async requestFor(pod: Stored, key: Readonly<Record<string, unknown>>, more: RequestSpec = {}): Promise<object> {
    const { namespace } = pod.metadata;
    const serviceAccountName = pod.spec['serviceAccountName'] as string;
    const account = (await accepted(this.#api.send('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccountName}`))).body as Stored;
    return requestDraft(this.#version, namespace, { pod: pod.metadata, account: account.metadata, node: { name: this.name, uid: this.#uid } }, { ...key, ...more });
  }

  /** Asks as kubelet does. The API server's own view of a new pod may be a moment behind: then it is asked again. */
  async ask(request: object, as: Identity | undefined = this.user): Promise<Stored> {
    const { namespace } = (request as Stored).metadata;
    return vi.waitFor(async () => (await accepted(this.#api.send('POST', this.path(namespace), request, as))).body as Stored, { timeout: 20_000, interval: 50 });
  }

  /** Path of the requests of a namespace, or of one. */
  path(namespace: string, name?: string): string {
    return `/apis/certificates.k8s.io/${this.#version}/namespaces/${namespace}/podcertificaterequests${name === undefined ? '' : `/${name}`}`;
  }

  /** Waits until a request was answered, whichever way. */
  async answered({ metadata }: Stored): Promise<Stored> {
    return vi.waitFor(
      async () => {
        const { body } = await accepted(this.#api.send('GET', this.path(metadata.namespace, metadata.name)));
        if (((body as Stored).status?.conditions ?? []).length === 0) throw new Error(`${metadata.name} waits: ${JSON.stringify(body)}`);
        return body as Stored;
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  async read({ metadata }: Stored): Promise<Stored> {
    return (await accepted(this.#api.send('GET', this.path(metadata.namespace, metadata.name)))).body as Stored;
  }
}

/** An answer that is no refusal. @throws {Error} with the API server's words */
async function accepted(answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
  const { code, message } = await answer;
  if (code >= 300) throw new Error(`${code}: ${message}`);
  return answer;
}
