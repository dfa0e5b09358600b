import { consumersOf } from '../../controllers/ca-rotation/consumers.ts';
import { resolvedIdentitySpec, type Node, type Pod, type WorkloadIdentity } from '../../resources/index.ts';

/** An object that may hold a rotation up, or that breaks. */
export interface OutlookObject {
  readonly object: string;
  readonly why: string;
}

/** Who reads what is delivered: pods and nodes as they are now, or why they are not known. */
export type Around = { readonly pods: readonly Pod[]; readonly nodes: readonly Node[] } | { readonly unknown: string };

/** What of them will not see a change by itself, by the same rules as the gate `Delivered`. */
export function lateReaders(trustDomain: string, identities: readonly WorkloadIdentity[], around: Around | undefined): readonly OutlookObject[] {
  if (around === undefined) return [];
  if ('unknown' in around) return [{ object: 'Pods and nodes', why: `are not known: ${around.unknown}` }];
  const targets = identities.map((identity) => ({ kind: 'Secret' as const, namespace: identity.metadata.namespace ?? '', name: resolvedIdentitySpec(identity).secretName, generation: 0 }));
  const { pods, nodes } = consumersOf(trustDomain, around.pods, targets);
  const frozen = pods.flatMap(({ namespace, name, neverUpdates }) => (neverUpdates === undefined ? [] : [{ object: `Pod ${namespace}/${name}`, why: `${neverUpdates}: it never sees a new certificate or bundle; restart it` }]));
  return [...frozen, ...awayNodes(nodes, around)];
}

function awayNodes(names: ReadonlySet<string>, { nodes, pods }: Extract<Around, { readonly pods: unknown }>): readonly OutlookObject[] {
  const known = new Map(nodes.map((node) => [node.metadata.name, node]));
  return [...names].sort().flatMap((name) => {
    const ready = known.get(name)?.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status === 'True') return [];
    const count = pods.filter(({ spec }) => spec.nodeName === name).length;
    return [{ object: `Node ${name}`, why: `is not ready${ready?.lastTransitionTime === undefined ? '' : ` since ${ready.lastTransitionTime}`}: what its ${count} pods have is not known; bring it back, or drain it` }];
  });
}

/** Pods of a trust domain whose certificate kubelet asks for by itself, when it is time: nobody can push another one to them. */
export function pullingPods(trustDomain: string, around: Around | undefined): readonly OutlookObject[] {
  if (around === undefined || 'unknown' in around) return [];
  const why = 'kubelet renews its pod certificate at half of its life, not earlier: restart it after the switch';
  return around.pods.filter((pod) => pulls(pod, trustDomain)).map(({ metadata }) => ({ object: `Pod ${metadata.namespace ?? ''}/${metadata.name}`, why }));
}

function pulls({ spec, status }: Pod, trustDomain: string): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false;
  const asked = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []).flatMap(({ podCertificate }) => podCertificate ?? []);
  return asked.some(({ signerName, userAnnotations }) => signerName === 'mtlsd.io/x509-svid' && [undefined, trustDomain].includes(userAnnotations?.['mtlsd.io/trust-domain']));
}
