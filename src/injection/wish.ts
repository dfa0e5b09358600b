import { deliveries, environmentChoices, injectLabel, injectValues, settings, signerName, volumeName, type Delivery, type EnvironmentChoice } from './names.ts';
import type { PodTemplate, Volume } from './pod.ts';

/** What an installation says where a pod does not: the chart's values `injection.delivery` and `injection.trustDomain`. */
export interface InjectionDefaults {
  readonly delivery: Delivery;
  readonly trustDomain: string | undefined;
}

/** What a pod asks for, with every default in place. */
export interface Wish {
  readonly delivery: Delivery;
  /** Name of a WorkloadIdentity in the pod's namespace. */
  readonly identity: string;
  /** Whether the pod itself names it; otherwise it is the service account's. */
  readonly identityIsNamed: boolean;
  /** Name of the Secret that a delivery by Secret mounts. */
  readonly secret: string;
  /** Undefined where neither the pod nor the installation names one: then the delivery is by Secret. */
  readonly trustDomain: string | undefined;
  readonly environment: EnvironmentChoice;
}

/** What a pod asks for; undefined when it asks for nothing, and sentences when it cannot be given what it asks for. */
export type WishResult = { readonly wish: Wish | undefined; readonly problems?: undefined } | { readonly problems: readonly string[] };

/** The form of the names of Kubernetes objects and of trust domains. */
const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/u;
const shownLengthMax = 80;

/** Longest names: a Secret's has 253 characters, and `-mtls` follows an identity's; a trust domain is a label's value. */
const lengthMax = { identity: 248, secret: 253, trustDomain: 63 } as const;

/** What a pod says, with the defaults, before anything is known to be right. */
type Said = { readonly [K in keyof Wish]: Wish[K] extends string ? string : Wish[K] } & { readonly label: string };

/** Reads what a pod, or the template of one, asks for. */
export function wishOf(pod: PodTemplate, defaults: InjectionDefaults): WishResult {
  const label = pod.metadata?.labels?.[injectLabel] ?? 'false';
  if (label === 'false') return { wish: undefined };
  const identity = identityAskedFor(pod);
  const said: Said = {
    label,
    delivery: label === 'true' ? defaults.delivery : label,
    identity,
    identityIsNamed: settingOf(pod, settings.identity) !== undefined,
    secret: settingOf(pod, settings.secret) ?? `${identity}-mtls`,
    trustDomain: settingOf(pod, settings.trustDomain) ?? defaults.trustDomain,
    environment: settingOf(pod, settings.environment) ?? 'additive',
  };
  const problems = problemsOf(said, pod);
  const { delivery, secret, trustDomain, environment, identityIsNamed } = said;
  if (problems.length > 0 || !isDelivery(delivery) || !isChoice(environment)) return { problems };
  return { wish: { delivery, identity, identityIsNamed, secret, trustDomain, environment } };
}

function problemsOf({ label, delivery, identity, secret, trustDomain, environment }: Said, { spec }: PodTemplate): readonly string[] {
  const problems = [
    isOneOf(injectValues, label) ? '' : `the label ${injectLabel} is ${quote(label)}: write secret, pod-certificate, "true" (what this installation prefers) or "false"`,
    spec.os?.name === 'windows' ? `pods of Windows get no identity by ${injectLabel}: remove the label` : '',
    nameProblem(settings.identity, identity, lengthMax.identity, 'of a WorkloadIdentity of this namespace, such as cart'),
    nameProblem(settings.secret, secret, lengthMax.secret, 'of a Secret of this namespace, such as cart-mtls'),
    trustDomain === undefined ? '' : nameProblem(settings.trustDomain, trustDomain, lengthMax.trustDomain, 'of a trust domain, such as shop.example'),
    isChoice(environment) ? '' : `${settings.environment} is ${quote(environment)}: write minimal, additive or all`,
    delivery === 'pod-certificate' && trustDomain === undefined ? `a pod certificate needs a trust domain, and this installation has no default: name it with the annotation ${settings.trustDomain}` : '',
    volumeProblem(spec.volumes ?? [], delivery),
  ];
  return problems.filter((problem) => problem !== '');
}

/** Whether a volume is one that a delivery needs: also one that the pod's author wrote. */
function isDelivered(volume: Volume, delivery: string): boolean {
  if (delivery === 'secret') return volume.secret !== undefined;
  return (volume.projected?.sources ?? []).some(({ podCertificate }) => podCertificate?.signerName === signerName);
}

function volumeProblem(volumes: readonly Volume[], delivery: string): string {
  const own = volumes.find(({ name }) => name === volumeName);
  if (own === undefined || isDelivered(own, delivery)) return '';
  const instead = `give it another name, or remove the label ${injectLabel}`;
  if (delivery === 'secret') return `the pod has a volume ${volumeName} that is no Secret: ${instead}`;
  // An API server that does not know them takes them out of the volumes that it is given.
  return `the pod has a volume ${volumeName} without a pod certificate of mtlsd: ${instead}; if it is not yours, then this API server has no pod certificates: write ${injectLabel}: secret`;
}

/** What a pod says by an annotation, or by a label of the same name. */
export function settingOf({ metadata }: Pick<PodTemplate, 'metadata'>, key: string): string | undefined {
  return metadata?.annotations?.[key] ?? metadata?.labels?.[key];
}

/** The name of the WorkloadIdentity that a pod asks for. */
export function identityAskedFor(pod: PodTemplate): string {
  return settingOf(pod, settings.identity) ?? serviceAccountOf(pod);
}

function serviceAccountOf({ spec }: PodTemplate): string {
  return [spec.serviceAccountName, spec.serviceAccount].find((name) => name !== undefined && name !== '') ?? 'default';
}

function nameProblem(key: string, value: string, max: number, what: string): string {
  return namePattern.test(value) && value.length <= max ? '' : `${key} is ${quote(value)}: write the name ${what}`;
}

function quote(value: string): string {
  const characters = Array.from(value);
  return `"${characters.length > shownLengthMax ? `${characters.slice(0, shownLengthMax).join('')}…` : value}"`;
}

function isDelivery(value: string): value is Delivery {
  return isOneOf(deliveries, value);
}

function isChoice(value: string): value is EnvironmentChoice {
  return isOneOf(environmentChoices, value);
}

function isOneOf(values: readonly string[], value: string): boolean {
  return values.includes(value);
}
