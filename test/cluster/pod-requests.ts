/** What a kubelet asks the API server for on behalf of a pod: keys, the proofs that it holds them, and the request around. */
import { constants, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

const signerName = 'mtlsd.io/x509-svid';

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

/** An object of the API server, as far as requests hang on it. */
export interface Named {
  readonly name: string;
  readonly uid: string;
}

/** A pod that mounts a certificate of ours: the API server takes requests of a node for no other. */
export function podDraft(namespace: string, name: string, serviceAccountName: string, nodeName: string, labels: Readonly<Record<string, string>> = {}): object {
  const mtls = { name: 'mtls', projected: { sources: [{ podCertificate: { signerName, keyType: 'ECDSAP256', credentialBundlePath: 'bundle.pem' } }] } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels },
    spec: { serviceAccountName, nodeName, containers: [{ name: 'main', image: 'none', volumeMounts: [{ name: mtls.name, mountPath: '/mtls' }] }], volumes: [mtls], automountServiceAccountToken: false },
  };
}

/** A request for a certificate of `pod`, of its name. @param spec the key, and what differs */
export function requestDraft(version: string, namespace: string, parties: { readonly pod: Named; readonly account: Named; readonly node: Named }, spec: Readonly<Record<string, unknown>>): object {
  const { pod, account, node } = parties;
  return {
    apiVersion: `certificates.k8s.io/${version}`,
    kind: 'PodCertificateRequest',
    metadata: { namespace, name: pod.name },
    spec: {
      signerName,
      podName: pod.name,
      podUID: pod.uid,
      serviceAccountName: account.name,
      serviceAccountUID: account.uid,
      nodeName: node.name,
      nodeUID: node.uid,
      ...spec,
    },
  };
}
