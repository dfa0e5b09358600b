/** Pods and what a kubelet asks for them, without a kubelet: the same requests, made as the node. */
import { constants, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { vi } from 'vitest';
import type { ApiAnswer, ApiClient, Identity } from './chart-api.ts';

export const signerName = 'mtlsd.io/x509-svid';

/** The key types that a pod can name. */
export const podKeyTypes = ['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA3072', 'RSA4096'] as const;
export type PodKeyType = (typeof podKeyTypes)[number];

/** A key as kubelet makes it. */
export function podKey(type: PodKeyType): KeyObject {
  switch (type) {
    case 'ED25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'RSA3072':
    case 'RSA4096':
      return generateKeyPairSync('rsa', { modulusLength: Number(type.slice(3)) }).privateKey;
    case 'ECDSAP256':
    case 'ECDSAP384':
    case 'ECDSAP521':
      return generateKeyPairSync('ec', { namedCurve: `P-${type.slice('ECDSAP'.length)}` }).privateKey;
  }
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

/** AlgorithmIdentifiers, DER, by the kind of key. */
const algorithms: Readonly<Record<PodKeyType, { readonly identifier: string; readonly hash: string | undefined }>> = {
  ECDSAP256: { identifier: '300a06082a8648ce3d040302', hash: 'sha256' },
  ECDSAP384: { identifier: '300a06082a8648ce3d040303', hash: 'sha384' },
  ECDSAP521: { identifier: '300a06082a8648ce3d040304', hash: 'sha512' },
  ED25519: { identifier: '300506032b6570', hash: undefined },
  RSA3072: { identifier: '300d06092a864886f70d01010b0500', hash: 'sha256' },
  RSA4096: { identifier: '300d06092a864886f70d01010b0500', hash: 'sha256' },
};

/** An empty PKCS#10 request (RFC 2986) with nothing but the key, base64 of DER: as kubelet makes it. */
export function stubRequest(key: KeyObject, type: PodKeyType): string {
  const { identifier, hash } = algorithms[type];
  const info = der(0x30, Buffer.from([2, 1, 0]), der(0x30), publicKeyOf(key), der(0xa0));
  const signature = sign(hash, info, key);
  return der(0x30, info, Buffer.from(identifier, 'hex'), der(0x03, Buffer.from([0]), signature)).toString('base64');
}

/** SubjectPublicKeyInfo, DER. */
function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** The way of v1beta1 before the stub request: the public key, and the pod's UID signed by it. */
export function provenKey(key: KeyObject, type: PodKeyType, podUid: string): { readonly pkixPublicKey: string; readonly proofOfPossession: string } {
  const message = Buffer.from(podUid);
  const { hash } = algorithms[type];
  const proof = type.startsWith('RSA')
    ? sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
    : sign(hash === undefined ? undefined : 'sha256', message, key);
  return { pkixPublicKey: publicKeyOf(key).toString('base64'), proofOfPossession: proof.toString('base64') };
}

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
    // NodeRestriction takes requests only for pods that mount such a certificate.
    const mtls = { name: 'mtls', projected: { sources: [{ podCertificate: { signerName, keyType: 'ECDSAP256', credentialBundlePath: 'bundle.pem' } }] } };
    const spec = { serviceAccountName, nodeName: this.name, containers: [{ name: 'main', image: 'none' }], volumes: [mtls], automountServiceAccountToken: false };
    const { body } = await accepted(this.#api.send('POST', `/api/v1/namespaces/${namespace}/pods`, { metadata: { name, labels }, spec }));
    return body as Stored;
  }

  /** The request that kubelet makes for a pod. */
  async requestFor(pod: Stored, key: Readonly<Record<string, unknown>>, more: RequestSpec = {}, name = pod.metadata.name): Promise<object> {
    const { namespace } = pod.metadata;
    const serviceAccountName = pod.spec['serviceAccountName'] as string;
    const account = (await accepted(this.#api.send('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccountName}`))).body as Stored;
    return {
      apiVersion: `certificates.k8s.io/${this.#version}`,
      kind: 'PodCertificateRequest',
      metadata: { name, namespace },
      spec: {
        signerName,
        podName: pod.metadata.name,
        podUID: pod.metadata.uid,
        serviceAccountName,
        serviceAccountUID: account.metadata.uid,
        nodeName: this.name,
        nodeUID: this.#uid,
        ...key,
        ...more,
      },
    };
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
export async function accepted(answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
  const { code, message } = await answer;
  if (code >= 300) throw new Error(`${code}: ${message}`);
  return answer;
}
