import type { TLSSocket } from 'node:tls';
import { validateX509Svid, type CertificateView, type TrustDomainName } from '../spiffe/index.ts';
import { parseCertificate, verifySignature } from '../x509/index.ts';

/** Who is at the other end of a connection. */
export type PeerIdentity = { readonly known: true; readonly spiffeId: string; readonly validUntilMs: number } | { readonly known: false; readonly why: string };

/** What peers are verified with: changes when files are renewed. */
export interface PeerTrust {
  readonly trustDomain: TrustDomainName;
  readonly roots: readonly CertificateView[];
}

/** As many as a chain may have, and one more to tell that it is too long. */
const certificatesMax = 9;

/**
 * The SPIFFE ID that the peer of a connection presented, validated strictly (RFC 5280, SPIFFE-16, SPIFFE-17). Judged once a
 * connection; a certificate that ends while the connection lives ends the identity with it.
 */
export class PeerIdentities {
  readonly #trust: () => PeerTrust;
  readonly #known = new WeakMap<TLSSocket, { readonly trust: PeerTrust; readonly identity: PeerIdentity }>();

  constructor(trust: () => PeerTrust) {
    this.#trust = trust;
  }

  /** @param nowMs milliseconds since the epoch */
  of(socket: TLSSocket, nowMs: number): PeerIdentity {
    const trust = this.#trust();
    const remembered = this.#known.get(socket);
    // Judged again when the roots have changed: what was distrusted is, on connections that are up too.
    const identity = remembered?.trust === trust ? remembered.identity : judge(socket, trust, nowMs);
    if (remembered?.trust !== trust) this.#known.set(socket, { trust, identity });
    if (identity.known && nowMs > identity.validUntilMs) return { known: false, why: 'the certificate of this connection has expired: connect again with a renewed one' };
    return identity;
  }
}

function judge(socket: TLSSocket, trust: PeerTrust, nowMs: number): PeerIdentity {
  const presented = presentedChain(socket);
  if (presented.length === 0) return { known: false, why: 'no client certificate was presented: connect with the SVID of a workload' };
  let chain;
  try {
    chain = presented.map((der) => parseCertificate(der));
  } catch {
    return { known: false, why: 'the client certificate cannot be read' };
  }
  const result = validateX509Svid(chain, trust, { nowMs, verifySignature });
  if (result.valid) return { known: true, spiffeId: result.spiffeId.toString(), validUntilMs: result.validUntilMs };
  return { known: false, why: `the client certificate is refused: ${result.reasons[0]?.sentence ?? 'it is not valid'}` };
}

/** DER of what the peer presented, leaf first. Node adds the root at the end of a chain that it could complete. */
export function presentedChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < certificatesMax) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}
