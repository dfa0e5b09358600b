import { isMtlsdError } from '../../errors/index.ts';
import type { PodCertificateRequest } from '../../resources/index.ts';
import { keyAlgorithms, parseCertificateRequest, parsePublicKey, provesPossession, validatePublicKey, type PublicKey } from '../../x509/index.ts';

/** The key that a request is for. `unsupported` is a kind of key that mtlsd never certifies; `refused` is this one key. */
export type RequestedKey =
  | { readonly kind: 'sound'; readonly publicKey: PublicKey }
  | { readonly kind: 'unsupported'; readonly algorithm: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * The public key of a request, validated, and its holder's proof checked: from the stub certificate request, or the way that
 * was before it in v1beta1, a public key and the pod's UID signed by it. The API server has checked the proof too.
 */
export function requestedKey({ stubPKCS10Request, pkixPublicKey, proofOfPossession, podUID }: PodCertificateRequest['spec']): RequestedKey {
  // v1beta1 says null of the fields that a request does not use.
  const stub = bytes(stubPKCS10Request ?? '');
  try {
    return stub.length > 0 ? fromStub(stub) : fromPublicKey(bytes(pkixPublicKey ?? ''), podUID, bytes(proofOfPossession ?? ''));
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return { kind: 'refused', why: error.message };
  }
}

function fromStub(der: Uint8Array): RequestedKey {
  const { publicKey, signatureValid } = parseCertificateRequest(der);
  if (!isSupported(publicKey.algorithm)) return { kind: 'unsupported', algorithm: publicKey.algorithm };
  if (!signatureValid) return { kind: 'refused', why: 'the stub certificate request is not signed by its own key' };
  return { kind: 'sound', publicKey: validatePublicKey(publicKey.spki) };
}

function fromPublicKey(spki: Uint8Array, podUid: string, proof: Uint8Array): RequestedKey {
  const { algorithm } = parsePublicKey(spki);
  if (!isSupported(algorithm)) return { kind: 'unsupported', algorithm };
  const publicKey = validatePublicKey(spki);
  const proven = provesPossession(publicKey, Buffer.from(podUid, 'utf8'), proof);
  return proven ? { kind: 'sound', publicKey } : { kind: 'refused', why: 'its proof of possession is not made by its key over the UID of the pod' };
}

function isSupported(algorithm: string): boolean {
  return (keyAlgorithms as readonly string[]).includes(algorithm);
}

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}
