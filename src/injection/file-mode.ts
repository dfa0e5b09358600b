import { containersOf, type PodSpec } from './pod.ts';

/** Permission bits of the files. */
const fileModes = { rootAlone: 0o400, groupOfPod: 0o440, everybodyInPod: 0o444 } as const;

/**
 * The narrowest `defaultMode` with which every container can read the files. They belong to root and, where the pod has an
 * fsGroup, to that group. Whom an image runs as cannot be seen from here: without fsGroup, and with a user who is not root or
 * not stated, only everybody in the pod will do. kubelet narrows a pod certificate further, to the pod's user.
 */
export function fileModeOf(spec: PodSpec): number {
  const pod = spec.securityContext ?? {};
  const containers = containersOf(spec).map((container) => ({
    user: container.securityContext?.runAsUser ?? pod.runAsUser,
    group: container.securityContext?.runAsGroup ?? pod.runAsGroup,
  }));
  if (pod.fsGroup !== undefined) return fileModes.groupOfPod;
  if (containers.every(({ user }) => user === 0)) return fileModes.rootAlone;
  if (pod.supplementalGroups?.includes(0) === true || containers.every(({ group }) => group === 0)) return fileModes.groupOfPod;
  return fileModes.everybodyInPod;
}
