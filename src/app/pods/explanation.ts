import { identityForPod, type PodSurroundings } from '../../controllers/cluster-identity/pod-identities.ts';
import { factsOf, type PodIdentity, type PodMatch } from '../../controllers/pod-certificate/match.ts';
import { wantedIdentity } from '../../controllers/pod-certificate/user-annotations.ts';
import { injectLabel } from '../../injection/index.ts';
import { signerName } from '../../injection/names.ts';
import { wishOf, type Wish } from '../../injection/wish.ts';
import { formatDuration, resolvedIdentitySpec, resolvedTrustDomainSpec, selectorMatches, type Pod, type WorkloadIdentity } from '../../resources/index.ts';
import { expandPathTemplate } from '../../spiffe/index.ts';

/** What `mtlsd explain pod` tells. */
export interface PodExplanation {
  /** `namespace/name`. */
  readonly pod: string;
  readonly serviceAccount: string;
  /** The identity that it gets; absent when it gets none. */
  readonly identity?: {
    /** The object that grants it. */
    readonly from: string;
    readonly spiffeID?: string;
    readonly trustDomain?: string;
    readonly dnsNames: readonly string[];
    readonly ttl?: string;
  };
  /** How the identity reaches it; absent when nothing brings it. */
  readonly delivery?: { readonly kind: 'Secret' | 'PodCertificate'; readonly by: string; readonly secret?: string };
  /** Every object that might have given it an identity. */
  readonly candidates: readonly { readonly from: string; readonly chosen: boolean; readonly why?: string }[];
  /** What keeps it from its identity, each with what to do. */
  readonly missing: readonly string[];
}

/** What around a pod is looked at, besides what decides its identity. */
export interface PodScene {
  readonly pod: Pod;
  readonly around: PodSurroundings;
  /** Whether the API server serves pod certificates. */
  readonly servesPodCertificates: boolean;
  /** Whether the pod is there; otherwise it is a manifest, to which injection is still to come. */
  readonly exists: boolean;
}

type Delivery = NonNullable<PodExplanation['delivery']> & { readonly said?: Readonly<Record<string, string>> };

/** Tells which identity a pod gets, why not another, how it is delivered, and what is missing. Pure. */
export function explainPod(scene: PodScene): PodExplanation {
  const { pod, around } = scene;
  const facts = factsOf(pod);
  const { delivery, problems } = deliveryOf(scene);
  const claimant = delivery?.secret === undefined ? undefined : around.identities.find((identity) => resolvedIdentitySpec(identity).secretName === delivery.secret);
  const wanted = delivery?.kind === 'PodCertificate' ? wantedIdentity(delivery.said) : { identity: claimant?.metadata.name, trustDomain: undefined };
  const { match, candidates } = identityForPod(facts, wanted, { ...around, delivery: delivery?.kind ?? 'Secret' });
  const missing = [
    ...matchProblems(match, scene),
    ...problems,
    ...(delivery?.kind === 'Secret' ? secretProblems(delivery, claimant, scene) : []),
  ];
  return {
    pod: `${facts.namespace}/${facts.name}`,
    serviceAccount: facts.serviceAccountName,
    ...(match.kind === 'none' ? {} : { identity: shown(match.identity, scene) }),
    ...(delivery === undefined ? {} : { delivery: withoutSaid(delivery) }),
    candidates: candidates.map(({ source, why }) => ({ from: source, chosen: why === undefined, ...(why === undefined ? {} : { why }) })),
    missing,
  };
}

function withoutSaid({ said: _said, ...delivery }: Delivery): NonNullable<PodExplanation['delivery']> {
  return delivery;
}

function matchProblems(match: PodMatch, scene: PodScene): readonly string[] {
  const { metadata, spec } = scene.pod;
  if (scene.around.accountLabels === undefined) return [`service account ${metadata.namespace ?? ''}/${spec.serviceAccountName ?? 'default'} does not exist: create it`];
  return match.kind === 'none' ? [match.message] : domainProblems(match.identity, scene);
}

/** By the volumes that are there; for a manifest also by what its label asks for. */
function deliveryOf(scene: PodScene): { readonly delivery: Delivery | undefined; readonly problems: readonly string[] } {
  const mounted = mountedDelivery(scene);
  if (mounted !== undefined) return { delivery: mounted, problems: mounted.kind === 'PodCertificate' ? certificateProblems(scene) : [] };
  const label = scene.pod.metadata.labels?.[injectLabel];
  const account = scene.pod.spec.serviceAccountName ?? 'default';
  if (label === undefined || label === 'false') {
    return { delivery: undefined, problems: [`nothing brings an identity to it: label the pod template ${injectLabel}: secret (or pod-certificate), or mount the Secret ${account}-mtls`] };
  }
  if (scene.exists) {
    return { delivery: undefined, problems: [`it carries the label ${injectLabel}: ${label} and has no volume of mtlsd: the label came after the pod was made, or nothing in this cluster acts on it. Make it again, or pass its manifest through mtlsd inject`] };
  }
  const result = wishOf(scene.pod, { delivery: 'secret', trustDomain: onlyTrustDomain(scene.around) });
  if (result.problems !== undefined) return { delivery: undefined, problems: result.problems };
  return { delivery: result.wish === undefined ? undefined : wished(result.wish, label), problems: result.wish?.delivery === 'pod-certificate' ? certificateProblems(scene) : [] };
}

function mountedDelivery({ pod, around }: PodScene): Delivery | undefined {
  const claimed = new Set(around.identities.map((identity) => resolvedIdentitySpec(identity).secretName));
  const found: Delivery[] = [];
  for (const { name, secret, projected } of pod.spec.volumes ?? []) {
    const by = `volume ${name}`;
    const names = [secret?.secretName, ...(projected?.sources ?? []).map((source) => source.secret?.name)].filter((each) => each !== undefined);
    for (const each of names) if (claimed.has(each) || name === 'mtlsd') found.push({ kind: 'Secret', by, secret: each });
    for (const { podCertificate } of projected?.sources ?? []) {
      if (podCertificate?.signerName === signerName) found.push({ kind: 'PodCertificate', by, ...(podCertificate.userAnnotations === undefined ? {} : { said: podCertificate.userAnnotations }) });
    }
  }
  return found[0];
}

function wished({ delivery, secret, identity, identityIsNamed, trustDomain }: Wish, label: string): Delivery {
  const by = `label ${injectLabel}: ${label}`;
  if (delivery === 'secret') return { kind: 'Secret', by, secret };
  const said = { ...(identityIsNamed ? { 'mtlsd.io/identity': identity } : {}), ...(trustDomain === undefined ? {} : { 'mtlsd.io/trust-domain': trustDomain }) };
  return { kind: 'PodCertificate', by, said };
}

function onlyTrustDomain({ domains }: PodSurroundings): string | undefined {
  const all = domains.all();
  return (all.find(({ isDefault }) => isDefault) ?? (all.length === 1 ? all[0] : undefined))?.object.metadata.name;
}

function certificateProblems({ servesPodCertificates }: PodScene): readonly string[] {
  return servesPodCertificates ? [] : [`the API server does not serve pod certificates (Kubernetes 1.37 does, 1.35 with certificates.k8s.io/v1beta1): label the pod template ${injectLabel}: secret`];
}

function domainProblems({ domain }: PodIdentity, { pod, around }: PodScene): readonly string[] {
  if (domain.kind === 'unresolved') return [domain.message];
  const { allowedNamespaces } = domain.state.object.spec;
  if (allowedNamespaces === undefined || selectorMatches(allowedNamespaces, around.namespaceLabels)) return [];
  return [`trust domain ${domain.name} takes no identities of namespace ${pod.metadata.namespace ?? ''}: have spec.allowedNamespaces of the TrustDomain select it`];
}

/** A Secret holds the identity of whoever it was written for. */
function secretProblems({ secret = '' }: Delivery, claimant: WorkloadIdentity | undefined, { pod }: PodScene): readonly string[] {
  const { namespace = '' } = pod.metadata;
  if (claimant === undefined) return [`no identity is delivered to Secret ${namespace}/${secret}: a pod that mounts it waits`];
  const { serviceAccountName } = resolvedIdentitySpec(claimant);
  const account = pod.spec.serviceAccountName ?? 'default';
  const foreign = serviceAccountName === account ? [] : [`Secret ${secret} holds the identity of service account ${serviceAccountName}, and the pod runs as ${account}: peers will take it for ${serviceAccountName}`];
  const ready = claimant.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return foreign;
  return [...foreign, `WorkloadIdentity ${namespace}/${claimant.metadata.name} is not ready: ${ready?.message ?? 'mtlsd has not taken it up; is it running?'}`];
}

function shown(identity: PodIdentity, { pod }: PodScene): NonNullable<PodExplanation['identity']> {
  const { domain, dnsNames, ttlMs, source } = identity;
  if (domain.kind === 'unresolved') return { from: source, dnsNames, ...(domain.name === undefined ? {} : { trustDomain: domain.name }) };
  const { pathTemplate, svid } = resolvedTrustDomainSpec(domain.state.object);
  const path = expandPathTemplate(pathTemplate, { namespace: pod.metadata.namespace ?? '', serviceAccount: identity.serviceAccountName });
  return { from: source, spiffeID: `spiffe://${domain.name}${path}`, trustDomain: domain.name, dnsNames, ttl: formatDuration(ttlMs ?? svid.ttlMs) };
}
