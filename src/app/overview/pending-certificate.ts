import { identityForPod } from '../../controllers/cluster-identity/pod-identities.ts';
import { Domains } from '../../controllers/domains.ts';
import { factsOf } from '../../controllers/pod-certificate/match.ts';
import { wantedIdentity } from '../../controllers/pod-certificate/user-annotations.ts';
import { signerName, volumeName } from '../../injection/index.ts';
import type { Pod } from '../../resources/index.ts';
import type { Sight } from './sight.ts';

/** A pod with a certificate runs within seconds; one that does not after this time waits for something. Milliseconds. */
const patienceMs = 30_000;

/**
 * What a pod that is not running yet waits for, when that is its pod certificate. Where one identity for many service
 * accounts might be meant, `mtlsd explain` looks at what decides it; here it is not read. Pure.
 */
export function pendingCertificate(pod: Pod, { identities, trustDomains, clusterIdentities = [] }: Sight, nowMs: number): { readonly reason: string; readonly message: string } | undefined {
  const { metadata, spec, status } = pod;
  const source = certificateSourceOf(pod);
  if (source === undefined || status?.phase !== 'Pending' || metadata.deletionTimestamp !== undefined) return undefined;
  const { namespace = '', name } = metadata;
  if (clusterIdentities.length > 0) {
    // A pod that has no node yet waits for that first.
    const waits = spec.nodeName !== undefined && nowMs - Date.parse(metadata.creationTimestamp) > patienceMs;
    return waits ? { reason: 'CertificatePending', message: `it may wait for its pod certificate: mtlsd explain pod ${name} --namespace ${namespace} says which identity it gets, and what is missing` } : undefined;
  }
  const domains = new Domains();
  for (const object of trustDomains) domains.declare(object);
  const own = identities.filter((identity) => identity.metadata.namespace === namespace);
  const around = { namespaceLabels: {}, accountLabels: {}, services: [], identities: own, clusterIdentities, domains };
  const { match } = identityForPod(factsOf(pod), wantedIdentity(source.userAnnotations), around);
  return match.kind === 'none' ? { reason: match.reason, message: `it waits for its pod certificate: ${match.message}` } : undefined;
}

function certificateSourceOf({ spec }: Pod): { readonly userAnnotations?: Readonly<Record<string, string>> } | undefined {
  const volume = spec.volumes?.find(({ name }) => name === volumeName);
  return volume?.projected?.sources?.find(({ podCertificate }) => podCertificate?.signerName === signerName)?.podCertificate;
}
