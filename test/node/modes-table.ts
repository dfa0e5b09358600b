/**
 * What kubelet makes of the files of an injected pod, by whom its containers run as: `docs/concepts/delivery.md` shows this
 * table, the unit tests hold `defaultMode` to it, and pods on a real node are held to the rest.
 */

/** Owner, group and permission bits of a file. */
export interface FileState {
  readonly mode: number;
  readonly user: number;
  readonly group: number;
}

/** One way to run a pod. The image's own user is root unless `imageUser` says otherwise. */
export interface ModeCase {
  /** As docs/concepts/delivery.md says it. */
  readonly name: string;
  readonly pod: { readonly fsGroup?: number; readonly runAsUser?: number; readonly runAsGroup?: number; readonly supplementalGroups?: readonly number[] };
  /** One entry a container. */
  readonly containers: readonly { readonly runAsUser?: number; readonly runAsGroup?: number }[];
  readonly imageUser?: number;
  /** `defaultMode` of the volume. */
  readonly defaultMode: number;
  readonly secret: FileState;
  readonly podCertificate: FileState;
}

export const modeCases: readonly ModeCase[] = [
  {
    name: '`fsGroup` is set',
    pod: { fsGroup: 2000 },
    containers: [{}],
    imageUser: 1000,
    defaultMode: 0o440,
    secret: { mode: 0o440, user: 0, group: 2000 },
    podCertificate: { mode: 0o640, user: 0, group: 2000 },
  },
  {
    name: '`fsGroup` and `runAsUser` are set',
    pod: { fsGroup: 2000, runAsUser: 1000 },
    containers: [{}],
    defaultMode: 0o440,
    secret: { mode: 0o440, user: 0, group: 2000 },
    podCertificate: { mode: 0o640, user: 1000, group: 2000 },
  },
  {
    name: 'every container runs as root, by `runAsUser: 0`',
    pod: { runAsUser: 0 },
    containers: [{}, {}],
    defaultMode: 0o400,
    secret: { mode: 0o400, user: 0, group: 0 },
    podCertificate: { mode: 0o600, user: 0, group: 0 },
  },
  {
    name: 'every container has the group 0, by `runAsGroup: 0` or `supplementalGroups`',
    pod: { runAsUser: 1000, runAsGroup: 0 },
    containers: [{}],
    defaultMode: 0o440,
    secret: { mode: 0o440, user: 0, group: 0 },
    podCertificate: { mode: 0o600, user: 1000, group: 0 },
  },
  {
    name: '`runAsUser` is set to one user, not root',
    pod: { runAsUser: 1000 },
    containers: [{}, {}],
    defaultMode: 0o444,
    secret: { mode: 0o444, user: 0, group: 0 },
    podCertificate: { mode: 0o600, user: 1000, group: 0 },
  },
  {
    name: 'containers run as different users',
    pod: {},
    containers: [{ runAsUser: 1000 }, { runAsUser: 2000 }],
    defaultMode: 0o444,
    secret: { mode: 0o444, user: 0, group: 0 },
    podCertificate: { mode: 0o444, user: 0, group: 0 },
  },
  {
    name: 'neither is set',
    pod: {},
    containers: [{}],
    imageUser: 1000,
    defaultMode: 0o444,
    secret: { mode: 0o444, user: 0, group: 0 },
    podCertificate: { mode: 0o444, user: 0, group: 0 },
  },
];
