import { isDeepStrictEqual } from 'node:util';
import { annotations, completeIdentitySpec, labels, managedByMtlsd, type ClusterWorkloadIdentity, type Draft, type WorkloadIdentity, type WorkloadIdentitySpec } from '../../resources/index.ts';
import { specOf } from './selection.ts';
import { fillDnsNames, fillTemplate, type TemplateFacts } from './template.ts';

/** Annotation that says where we made the object: a copy under another name or in another namespace is not ours. */
const placeAnnotation = 'mtlsd.io/written-as';

/** A WorkloadIdentity that is to be written. */
export type ChildDraft = Draft<WorkloadIdentity> & { readonly kind: 'WorkloadIdentity' };

/** The longest name that a WorkloadIdentity can have, and so a service account that gets one. */
export const childNameMax = 248;

/**
 * The UID of the ClusterWorkloadIdentity that mtlsd made this object for; undefined when somebody else made it, or took our
 * label off to keep it. Such a one is never touched.
 */
export function ownerOfChild({ metadata }: WorkloadIdentity): string | undefined {
  const { labels: marks = {}, annotations: found = {}, namespace = '', name } = metadata;
  const isHere = marks[labels.managedBy] === managedByMtlsd && found[placeAnnotation] === `${namespace}/${name}`;
  return isHere ? marks[labels.clusterIdentityUid] : undefined;
}

/** The service account that an identity is for. */
export function serviceAccountOf({ metadata, spec }: WorkloadIdentity): string {
  return spec.serviceAccountName ?? metadata.name;
}

/** The WorkloadIdentity of a service account: named after it, so that there is one at most. Labels of others stay. */
export function renderChild(owner: ClusterWorkloadIdentity, facts: TemplateFacts, over: WorkloadIdentity | undefined): ChildDraft {
  const { namespace, serviceAccount: name } = facts;
  return {
    apiVersion: 'mtlsd.io/v1alpha1',
    kind: 'WorkloadIdentity',
    metadata: {
      name,
      namespace,
      labels: { ...over?.metadata.labels, [labels.managedBy]: managedByMtlsd, [labels.clusterIdentityUid]: owner.metadata.uid },
      ...(over?.metadata.finalizers === undefined ? {} : { finalizers: over.metadata.finalizers }),
      annotations: { ...over?.metadata.annotations, [annotations.clusterIdentity]: owner.metadata.name, [placeAnnotation]: `${namespace}/${name}` },
    },
    spec: childSpec(owner, facts),
  };
}

function childSpec(owner: ClusterWorkloadIdentity, facts: TemplateFacts): WorkloadIdentitySpec {
  const { spec } = owner;
  const { secretName, dnsNames } = specOf(owner);
  const names = fillDnsNames(dnsNames, facts, []);
  return {
    serviceAccountName: facts.serviceAccount,
    secretName: fillTemplate(secretName, facts),
    ...(spec.trustDomain === undefined ? {} : { trustDomain: spec.trustDomain }),
    ...(names.length === 0 ? {} : { dnsNames: names }),
    ...(spec.ttl === undefined ? {} : { ttl: spec.ttl }),
    ...(spec.keyAlgorithm === undefined ? {} : { keyAlgorithm: spec.keyAlgorithm }),
    ...(spec.secretTemplate === undefined ? {} : { secretTemplate: spec.secretTemplate }),
    ...(spec.federatesWith === undefined ? {} : { federatesWith: spec.federatesWith }),
    ...(spec.jwt === undefined ? {} : { jwt: spec.jwt }),
    ...(spec.reload === undefined ? {} : { reload: spec.reload }),
    ...(spec.deletionPolicy === undefined ? {} : { deletionPolicy: spec.deletionPolicy }),
  };
}

/** Whether a child is as it should be. Defaults count as written: an API server of another version may add its own. */
export function isAsWanted(child: WorkloadIdentity, wanted: ChildDraft): boolean {
  const { labels: marks, annotations: found } = child.metadata;
  return (
    marks?.[labels.clusterIdentityUid] === wanted.metadata.labels?.[labels.clusterIdentityUid] &&
    found?.[annotations.clusterIdentity] === wanted.metadata.annotations?.[annotations.clusterIdentity] &&
    isDeepStrictEqual(completeIdentitySpec(child.spec), completeIdentitySpec(wanted.spec))
  );
}
