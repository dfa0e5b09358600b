import type { Condition, WorkloadIdentity } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import type { FederatedFile } from '../federation/federation.ts';

/** Annotation that says which files of other trust domains are in the Secret, with the digest of each. */
export const federatedFilesAnnotation = 'mtlsd.io/federated-files';

/** `federated.<trust domain>.crt`: a file of its own, so that no trust domain vouches for another (SPIFFE-32). */
export function federatedFileName(trustDomain: string): string {
  return `federated.${trustDomain}.crt`;
}

/** The files of other trust domains, text. */
export function federatedFiles(files: readonly FederatedFile[]): Record<string, string> {
  return Object.fromEntries(files.map(({ trustDomain, caPem }) => [federatedFileName(trustDomain), caPem]));
}

/** The annotation for these files; none without one. */
export function federatedAnnotation(files: readonly FederatedFile[]): Record<string, string> {
  if (files.length === 0) return {};
  return { [federatedFilesAnnotation]: JSON.stringify(Object.fromEntries(files.map(({ trustDomain, digest }) => [federatedFileName(trustDomain), digest]))) };
}

/** Whether the Secret has exactly these files. */
export function federatedIsCurrent(secret: SecretMetadata, files: readonly FederatedFile[]): boolean {
  return secret.metadata.annotations?.[federatedFilesAnnotation] === federatedAnnotation(files)[federatedFilesAnnotation];
}

/** Which files of other trust domains are in a Secret, with the digest of each, as its annotation says. */
export function deliveredFederated(secret: { readonly metadata: SecretMetadata['metadata'] }): Readonly<Record<string, string>> {
  try {
    const found = JSON.parse(secret.metadata.annotations?.[federatedFilesAnnotation] ?? '{}') as unknown;
    const entries = typeof found === 'object' && found !== null ? Object.entries(found as Record<string, unknown>) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return {}; // edited by somebody: it differs from what is wanted, and is written again
  }
}

/** What the condition is made of. */
export interface FederatedInputs {
  readonly identity: WorkloadIdentity;
  readonly trustDomain: string | undefined;
  /** Names that its trust domain federates with. */
  readonly peers: readonly string[];
  readonly secret: SecretMetadata | undefined;
}

/** Federated: whether the roots of every trust domain that is asked for are in the Secret; undefined when none is asked for. */
export function federatedCondition({ identity, trustDomain, peers, secret }: FederatedInputs): Omit<Condition, 'lastTransitionTime' | 'observedGeneration'> | undefined {
  const wanted = [...(identity.spec.federatesWith ?? [])].sort();
  if (wanted.length === 0) return undefined;
  const failed = (reason: string, message: string) => ({ type: 'Federated', status: 'False' as const, reason, message });
  const unknown = wanted.filter((name) => !peers.includes(name));
  if (unknown.length > 0) return failed('PeerUnknown', `trust domain ${trustDomain ?? ''} does not federate with ${unknown.join(', ')}: add it to spec.federatesWith of the TrustDomain, or take it out here`);
  const delivered = secret === undefined ? {} : deliveredFederated(secret);
  const missing = wanted.filter((name) => delivered[federatedFileName(name)] === undefined);
  if (missing.length > 0) return failed('BundleMissing', `the roots of ${missing.join(', ')} are not here yet: status.federation of TrustDomain ${trustDomain ?? ''} says why`);
  return { type: 'Federated', status: 'True', reason: 'Delivered', message: `${wanted.map(federatedFileName).join(', ')} in Secret ${secret?.metadata.name ?? ''}` };
}
