import { identityAskedFor, injectLabel, settingOf, settings, volumeName } from '../../injection/index.ts';
import type { Pod, WorkloadIdentity } from '../../resources/index.ts';

/** What hinders a pod that asks for its identity, and what to do about it. */
export interface PodProblem {
  readonly reason: 'NotInjected' | 'IdentityMissing' | 'SecretMismatch' | 'TrustDomainMismatch' | 'IdentityNotReady';
  readonly message: string;
}

/** The identities that there are. */
export interface IdentityLookup {
  named(namespace: string, name: string): WorkloadIdentity | undefined;
  /** Those that claim a Secret. */
  claiming(namespace: string, secretName: string): readonly WorkloadIdentity[];
}

/**
 * What a pod that carries the label waits for, or lacks although it runs; undefined when nothing is wrong. Of pods with pod
 * certificates the signer tells what they wait for. Pure.
 */
export function judgeInjectedPod(pod: Pod, identities: IdentityLookup): PodProblem | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined;
  const volume = pod.spec.volumes?.find(({ name }) => name === volumeName);
  if (volume === undefined) return notInjected;
  return volume.secret?.secretName === undefined ? undefined : judgeSecret(pod, volume.secret.secretName, identities);
}

function judgeSecret(pod: Pod, secretName: string, identities: IdentityLookup): PodProblem | undefined {
  const { namespace = '' } = pod.metadata;
  const [first, ...others] = identities.claiming(namespace, secretName);
  if (first === undefined) return missing(pod, secretName, identities.named(namespace, identityAskedFor(pod)));
  // Several may claim it, and the one that has it is Ready.
  const identity = [first, ...others].find(isReady) ?? first;
  return wrongTrustDomain(pod, identity) ?? (pod.status?.phase === 'Running' ? undefined : notReady(identity));
}

const notInjected: PodProblem = {
  reason: 'NotInjected',
  message: `it carries the label ${injectLabel} and has no volume ${volumeName}: the label came after the pod was made, or nothing in this cluster acts on it. Make the pod again, or pass its manifest through mtlsd inject`,
};

function missing(pod: Pod, secretName: string, named: WorkloadIdentity | undefined): PodProblem {
  const { namespace = '' } = pod.metadata;
  if (named !== undefined) {
    const written = named.spec.secretName ?? `${named.metadata.name}-mtls`;
    return {
      reason: 'SecretMismatch',
      message: `it mounts Secret ${namespace}/${secretName}, and WorkloadIdentity ${namespace}/${named.metadata.name} is delivered to Secret ${written}: annotate the pod template with ${settings.secret}: ${written}, or set spec.secretName of the identity`,
    };
  }
  const name = identityAskedFor(pod);
  const identity = `WorkloadIdentity ${namespace}/${name}${secretName === `${name}-mtls` ? '' : ` with spec.secretName: ${secretName}`}`;
  const state = pod.status?.phase === 'Running' ? 'nobody renews Secret' : 'it waits for Secret';
  return {
    reason: 'IdentityMissing',
    message: `${state} ${namespace}/${secretName}, because no identity is delivered to it: create ${identity}, or name another identity with the annotation ${settings.identity}`,
  };
}

function wrongTrustDomain(pod: Pod, { metadata, status }: WorkloadIdentity): PodProblem | undefined {
  const asked = settingOf(pod, settings.trustDomain);
  if (asked === undefined || status?.trustDomain === undefined || status.trustDomain === asked) return undefined;
  return {
    reason: 'TrustDomainMismatch',
    message: `it asks for trust domain ${asked}, and WorkloadIdentity ${metadata.namespace ?? ''}/${metadata.name} is of ${status.trustDomain}: correct the annotation ${settings.trustDomain}, or name another identity`,
  };
}

function notReady(identity: WorkloadIdentity): PodProblem | undefined {
  const ready = readiness(identity);
  // Without a condition it is new, and about to get its Secret.
  if (ready === undefined || ready.status === 'True') return undefined;
  const { namespace = '', name } = identity.metadata;
  return { reason: 'IdentityNotReady', message: `it waits for WorkloadIdentity ${namespace}/${name}: ${ready.message}` };
}

function isReady(identity: WorkloadIdentity): boolean {
  return readiness(identity)?.status === 'True';
}

function readiness({ status }: WorkloadIdentity): { readonly status: string; readonly message: string } | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}
