import { fileModeOf } from './file-mode.ts';
import { environmentOf, mountPath, settings, signerName, volumeName, type EnvironmentVariable } from './names.ts';
import { containerLists, type Container, type PodTemplate } from './pod.ts';
import { wishOf, type InjectionDefaults, type Wish } from './wish.ts';

/** Adds `items` to the end of a list of a pod, which is made when it is not there. */
export interface Addition {
  /** From the pod or template on: `['spec', 'containers', 0, 'env']`. */
  readonly path: readonly (string | number)[];
  readonly items: readonly object[];
}

/** What is added to a pod, which may be nothing; or why it cannot be given what it asks for. */
export type Change = { readonly additions: readonly Addition[]; readonly problems?: undefined } | { readonly problems: readonly string[] };

/** Longest that a pod asks for: the identity's TTL, which is never longer, decides. */
const maxExpirationSeconds = 86_400;

/** What makes the wish of a pod true. Nothing that is there is changed, and what was added before is not added again. */
export function changeOf(pod: PodTemplate, defaults: InjectionDefaults): Change {
  const result = wishOf(pod, defaults);
  if (result.problems !== undefined) return result;
  const { wish } = result;
  if (wish === undefined) return { additions: [] };
  const environment = environmentOf(wish.delivery, wish.trustDomain, wish.environment);
  const volumes = pod.spec.volumes?.some(({ name }) => name === volumeName) === true ? [] : [volumeOf(wish, fileModeOf(pod.spec))];
  const additions = [
    { path: ['spec', 'volumes'], items: volumes },
    ...containerLists.flatMap((list) => (pod.spec[list] ?? []).flatMap((container, index) => additionsTo(container, ['spec', list, index], environment))),
  ];
  return { additions: additions.filter(({ items }) => items.length > 0) };
}

/** A container that mounts something of its own there is left as it is. */
function additionsTo({ volumeMounts = [], env = [] }: Container, at: readonly (string | number)[], environment: readonly EnvironmentVariable[]): readonly Addition[] {
  const mounted = volumeMounts.find((mount) => mount.mountPath === mountPath || mount.mountPath === `${mountPath}/`);
  if (mounted !== undefined && mounted.name !== volumeName) return [];
  return [
    { path: [...at, 'volumeMounts'], items: mounted === undefined ? [{ name: volumeName, mountPath, readOnly: true }] : [] },
    { path: [...at, 'env'], items: environment.filter(({ name }) => !env.some((own) => own.name === name)) },
  ];
}

function volumeOf(wish: Wish, defaultMode: number): object {
  if (wish.delivery === 'secret') return { name: volumeName, secret: { secretName: wish.secret, defaultMode } };
  const labelSelector = { matchLabels: { [settings.trustDomain]: wish.trustDomain } };
  const podCertificate = {
    signerName,
    keyType: 'ECDSAP256',
    maxExpirationSeconds,
    // One source is one key: these are three views of it.
    credentialBundlePath: 'credential-bundle.pem',
    keyPath: 'tls.key',
    certificateChainPath: 'tls.crt',
    // The signer issues for this trust domain alone, so that the certificate and the roots beside it belong together.
    userAnnotations: { [settings.trustDomain]: wish.trustDomain, ...(wish.identityIsNamed ? { [settings.identity]: wish.identity } : {}) },
  };
  return { name: volumeName, projected: { defaultMode, sources: [{ podCertificate }, { clusterTrustBundle: { signerName, labelSelector, path: 'ca.crt' } }] } };
}
