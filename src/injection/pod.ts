/** What injection reads of a pod or a pod template: fields that are not named here are of no matter to it. */
export interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}

/** core/v1 PodSpec, as far as injection reads it. */
export interface PodSpec {
  readonly os?: { readonly name?: string };
  readonly serviceAccountName?: string;
  /** The earlier name of `serviceAccountName`: the API server fills one from the other. */
  readonly serviceAccount?: string;
  readonly securityContext?: {
    readonly fsGroup?: number;
    readonly runAsUser?: number;
    readonly runAsGroup?: number;
    readonly supplementalGroups?: readonly number[];
  };
  readonly volumes?: readonly Volume[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

/** core/v1 Volume: what decides whether one of our name is one of ours. */
export interface Volume {
  readonly name: string;
  readonly secret?: object;
  readonly projected?: { readonly sources?: readonly { readonly podCertificate?: { readonly signerName?: string } }[] };
}

/** core/v1 Container. */
export interface Container {
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly env?: readonly { readonly name: string }[];
  readonly securityContext?: { readonly runAsUser?: number; readonly runAsGroup?: number };
}

/** The two lists of containers that are there when a pod is made. */
export const containerLists = ['initContainers', 'containers'] as const;

/** Every container of a pod. */
export function containersOf(spec: PodSpec): readonly Container[] {
  return containerLists.flatMap((list) => spec[list] ?? []);
}
