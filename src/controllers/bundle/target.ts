import { labels, managedByMtlsd, type ClusterTrustBundle, type ConfigMap, type Draft } from '../../resources/index.ts';
import type { RenderedBundle } from '../domains.ts';
import type { FederatedFile } from '../federation/federation.ts';
import { federatedFileName, federatedFiles } from '../workload-identity/federated.ts';

/** The signer that trust bundles in the cluster belong to: see certificates.k8s.io ClusterTrustBundle. */
const signerName = 'mtlsd.io/x509-svid';

/** One place that a trust domain's bundle is written to: a namespace's ConfigMap, or (namespace empty) the ClusterTrustBundle. */
export interface BundleTarget {
  readonly namespace: string;
  readonly trustDomain: string;
}

/** What a target is called in messages and status. */
export function describeTarget({ namespace, trustDomain }: BundleTarget): string {
  return namespace === '' ? `ClusterTrustBundle ${clusterTrustBundleName(trustDomain)}` : `ConfigMap ${namespace}/${configMapName(trustDomain)}`;
}

/** `mtlsd-bundle-<trust domain>`. */
export function configMapName(trustDomain: string): string {
  return `mtlsd-bundle-${trustDomain}`;
}

/** A bundle that is linked to a signer bears the signer's name, with `:` for `/`, as a prefix. */
export function clusterTrustBundleName(trustDomain: string): string {
  return `${signerName.replace('/', ':')}:${trustDomain}`;
}

/** The trust domain that a ClusterTrustBundle or ConfigMap of ours belongs to, by its label. */
export function trustDomainOf(object: { readonly metadata: ConfigMap['metadata'] }): string | undefined {
  return object.metadata.labels?.[labels.trustDomain];
}

/** The ConfigMap of a target: its own roots, and those of each trust domain that it federates with as a file of its own. */
export function renderConfigMap(target: BundleTarget, bundle: RenderedBundle, federated: readonly FederatedFile[]): Draft<ConfigMap> & { readonly kind: 'ConfigMap' } {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: target.namespace, name: configMapName(target.trustDomain), ...ourMetadata(target, bundle) },
    data: { 'ca.crt': bundle.caPem, ...federatedFiles(federated) },
  };
}

/** The ClusterTrustBundle of a trust domain. It holds the roots of this one alone, and is always selected by its label. */
export function renderClusterTrustBundle(target: BundleTarget, bundle: RenderedBundle): Draft<ClusterTrustBundle> & { readonly kind: 'ClusterTrustBundle' } {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'ClusterTrustBundle',
    metadata: { name: clusterTrustBundleName(target.trustDomain), ...ourMetadata(target, bundle) },
    spec: { signerName, trustBundle: bundle.caPem },
  };
}

function ourMetadata(target: BundleTarget, bundle: RenderedBundle) {
  return {
    labels: { [labels.managedBy]: managedByMtlsd, [labels.trustDomain]: target.trustDomain },
    annotations: { [generationAnnotation]: String(bundle.generation), [sha256Annotation]: bundle.sha256 },
  };
}

const generationAnnotation = 'mtlsd.io/bundle-generation';
const sha256Annotation = 'mtlsd.io/bundle-sha256';

/** Whether an object in place says exactly what it should: content, labels and annotations. */
export function isCurrent(existing: ConfigMap | ClusterTrustBundle, wanted: ReturnType<typeof renderConfigMap> | ReturnType<typeof renderClusterTrustBundle>): boolean {
  const has = (actual: Readonly<Record<string, string>> | undefined, needed: Readonly<Record<string, string>> = {}): boolean =>
    Object.entries(needed).every(([key, value]) => actual?.[key] === value);
  if (!has(existing.metadata.labels, wanted.metadata.labels) || !has(existing.metadata.annotations, wanted.metadata.annotations)) return false;
  if (existing.kind === 'ConfigMap' && wanted.kind === 'ConfigMap') return sameFiles(existing.data, wanted.data);
  return existing.kind === 'ClusterTrustBundle' && wanted.kind === 'ClusterTrustBundle' && existing.spec.trustBundle === wanted.spec.trustBundle;
}

/** Whether the files that are ours are as they should be; what others added stays. */
function sameFiles(actual: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  const [prefix] = federatedFileName('*').split('*');
  const ours = (name: string): boolean => name === 'ca.crt' || name.startsWith(prefix ?? '');
  return [...Object.keys(actual).filter(ours), ...Object.keys(wanted)].every((name) => actual[name] === wanted[name]);
}
