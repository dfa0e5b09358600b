import { createHash } from 'node:crypto';
import { MtlsdError } from '../../errors/index.ts';
import type { TrustDomain } from '../../resources/index.ts';
import { parseSpiffeId, parseTrustDomainName, type TrustDomainName } from '../../spiffe/index.ts';
import { parseCertificate, parsePem, type Certificate } from '../../x509/index.ts';
import type { BundleServer } from './fetch.ts';

type PeerSpec = NonNullable<TrustDomain['spec']['federatesWith']>[number];

/** Another trust domain that one of ours federates with, as the manifest says it. */
export interface Peer {
  readonly name: TrustDomainName;
  readonly endpoint: PeerSpec['bundleEndpoint'];
  /** Another one whenever anything about the endpoint is. */
  readonly digest: string;
  /** Another one whenever the bootstrap bundle is; empty without one. */
  readonly bootstrap: string;
}

/** The trust domains that `object` federates with, but itself. */
export function peersOf(object: TrustDomain): readonly Peer[] {
  const peers = (object.spec.federatesWith ?? []).filter(({ trustDomain }) => trustDomain !== object.metadata.name);
  return peers.map(({ trustDomain, bundleEndpoint }) => ({
    name: parseTrustDomainName(trustDomain),
    endpoint: bundleEndpoint,
    digest: digestOf(JSON.stringify([bundleEndpoint.url, bundleEndpoint.profile, bundleEndpoint.endpointSPIFFEID, bundleEndpoint.bootstrapBundle, bundleEndpoint.webRoots])),
    bootstrap: bundleEndpoint.bootstrapBundle === undefined ? '' : digestOf(bundleEndpoint.bootstrapBundle),
  }));
}

/**
 * How the server of a peer is recognised now. @param latest the roots that were fetched last, which count from then on (SPIFFE-34)
 * @throws MtlsdError `FEDERATION_SERVER_REFUSED` when what the manifest says cannot be used
 */
export function serverOf({ name, endpoint }: Peer, latest: readonly Certificate[] | undefined): BundleServer {
  if (endpoint.profile === 'https_web') return { profile: 'https_web', roots: endpoint.webRoots };
  try {
    const spiffeId = parseSpiffeId(endpoint.endpointSPIFFEID ?? '');
    return { profile: 'https_spiffe', spiffeId, roots: latest ?? certificatesIn(endpoint.bootstrapBundle ?? '') };
  } catch (cause) {
    throw new MtlsdError('FEDERATION_SERVER_REFUSED', `bundleEndpoint of ${name}: ${cause instanceof Error ? cause.message : 'it cannot be used'}`, { cause });
  }
}

function certificatesIn(pem: string): readonly Certificate[] {
  return parsePem(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ der }) => parseCertificate(der));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
