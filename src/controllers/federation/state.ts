import { createHash } from 'node:crypto';
import { isMtlsdError } from '../../errors/index.ts';
import { labels, managedByMtlsd, type Draft, type Secret } from '../../resources/index.ts';
import { encodeSpiffeBundle, parseSpiffeBundle, type TrustDomainName } from '../../spiffe/index.ts';
import { parseCertificate } from '../../x509/index.ts';
import type { ObjectKey, Precondition } from '../../store/port.ts';
import { federatedBundle, type FederatedBundle } from './accept.ts';

/**
 * The bundle that was fetched last, kept where authority records are: whoever could write it would decide whom workloads
 * trust. It outlives restarts, so that a peer that is away then is trusted as before, and its sequence never goes back.
 */

/** The label that marks such a Secret; its value is the trust domain of ours. */
export const federatedByLabel = 'mtlsd.io/federated-by';
/** The annotation that names the trust domain whose bundle it holds: a name that may be too long for a label. */
export const federatedAnnotation = 'mtlsd.io/federated-trust-domain';

/** A bundle that was kept. */
export interface KeptBundle {
  readonly bundle: FederatedBundle;
  readonly fetchedAtMs: number;
  /** `Peer.bootstrap` when it was fetched. */
  readonly bootstrap: string;
}

/** What stands there, with what its next change is based on. */
export interface Kept {
  /** Undefined when there is none, or none that can be read. */
  readonly kept: KeptBundle | undefined;
  readonly precondition: Precondition | 'absent';
}

/** Where the bundle of `peer` is kept for a trust domain of ours. */
export function keptKey(systemNamespace: string, own: string, peer: string): ObjectKey<'Secret'> {
  // Readable, and different for every pair of names: a name may have characters that names of objects may not.
  const digest = createHash('sha256').update(`${own} ${peer}`).digest('hex').slice(0, 16);
  return { kind: 'Secret', namespace: systemNamespace, name: `mtlsd-federated-${peer.replaceAll(/[^a-z0-9]/gu, '-')}-${digest}` };
}

/** What a Secret at `keptKey` holds. */
export function decodeKept(secret: Secret | undefined, own: string, peer: TrustDomainName): Kept {
  if (secret === undefined) return { kept: undefined, precondition: 'absent' };
  const precondition = { uid: secret.metadata.uid, resourceVersion: secret.metadata.resourceVersion };
  try {
    const state = JSON.parse(read(secret, 'state.json')) as Readonly<Record<'federatedBy' | 'trustDomain' | 'fetchedAt' | 'bootstrap', unknown>>;
    const fetchedAtMs = Date.parse(String(state.fetchedAt));
    const { bootstrap } = state;
    if (typeof bootstrap !== 'string' || state.federatedBy !== own || state.trustDomain !== peer || Number.isNaN(fetchedAtMs)) return { kept: undefined, precondition };
    const { bundle } = parseSpiffeBundle(read(secret, 'bundle.json'), peer);
    const roots = bundle.x509Roots.map((der) => parseCertificate(der));
    return { kept: { bundle: federatedBundle(peer, roots, bundle), fetchedAtMs, bootstrap }, precondition };
  } catch (error) {
    if (!isMtlsdError(error) && !(error instanceof SyntaxError)) throw error;
    return { kept: undefined, precondition };
  }
}

/** The Secret that holds a bundle. */
export function encodeKept(key: ObjectKey<'Secret'>, own: string, { bundle, fetchedAtMs, bootstrap }: KeptBundle): Draft<Secret> & { readonly kind: 'Secret' } {
  const document = encodeSpiffeBundle({ trustDomain: bundle.trustDomain, x509Roots: bundle.roots.map(({ der }) => der), jwtKeys: [], sequence: bundle.sequence, refreshHintSeconds: bundle.refreshHintSeconds });
  const state = { federatedBy: own, trustDomain: bundle.trustDomain, fetchedAt: new Date(fetchedAtMs).toISOString(), bootstrap };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'mtlsd.io/federated-bundle',
    metadata: {
      name: key.name,
      ...(key.namespace === undefined ? {} : { namespace: key.namespace }),
      labels: { [labels.managedBy]: managedByMtlsd, [federatedByLabel]: own },
      annotations: { [federatedAnnotation]: bundle.trustDomain },
    },
    data: { 'bundle.json': base64(document), 'state.json': base64(`${JSON.stringify(state)}\n`) },
  };
}

function read(secret: Secret, file: string): string {
  return Buffer.from(secret.data[file] ?? '', 'base64').toString('utf8');
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
