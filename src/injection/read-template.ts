import type { PodTemplate } from './pod.ts';
import { isRecord } from './template-places.ts';

/** What a manifest says is a pod template of a form that the API server would take, as far as injection reads it; or why not. */
export type ReadTemplate = { readonly template: PodTemplate; readonly problem?: undefined } | { readonly problem: string };

type Check = (value: unknown, field: string) => string | undefined;

const optional = (check: Check): Check => (value, field) => (value === undefined || value === null ? undefined : check(value, field));
const ofType = (type: 'string' | 'number', what: string): Check => (value, field) => (typeof value === type ? undefined : `${field} is not ${what}`);
const text = ofType('string', 'text: put it in quotes');
const number = ofType('number', 'a number');
const anything: Check = (value, field) => (isRecord(value) ? undefined : `${field} is not a map`);

const listOf =
  (check: Check): Check =>
  (value, field) =>
    Array.isArray(value) ? first(value.map((item, index) => check(item, `${field}[${index}]`))) : `${field} is not a list`;

const textsByName: Check = (value, field) => (isRecord(value) ? first(Object.entries(value).map(([key, item]) => text(item, `${field} ${key}`))) : `${field} is not a map`);

const mapWith =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, field) =>
    isRecord(value) ? first(Object.entries(checks).map(([key, check]) => check(value[key], field === '' ? key : `${field}.${key}`))) : `${field === '' ? 'the pod template' : field} is not a map`;

const securityContext = optional(mapWith({ fsGroup: optional(number), runAsUser: optional(number), runAsGroup: optional(number), supplementalGroups: optional(listOf(number)) }));
const container = mapWith({
  volumeMounts: optional(listOf(mapWith({ name: text, mountPath: text }))),
  env: optional(listOf(mapWith({ name: text }))),
  securityContext,
});
const volume = mapWith({ name: text, secret: optional(anything), projected: optional(mapWith({ sources: optional(listOf(mapWith({ podCertificate: optional(anything) }))) })) });
const podTemplate = mapWith({
  metadata: optional(mapWith({ labels: optional(textsByName), annotations: optional(textsByName) })),
  spec: mapWith({
    os: optional(mapWith({ name: optional(text) })),
    serviceAccountName: optional(text),
    serviceAccount: optional(text),
    securityContext,
    volumes: optional(listOf(volume)),
    containers: listOf(container),
    initContainers: optional(listOf(container)),
  }),
});

/** Reads a pod template out of a manifest. `null` counts as absent, as it does for the API server. */
export function readTemplate(value: unknown): ReadTemplate {
  const problem = podTemplate(value, '');
  return problem === undefined ? { template: withoutNulls(value) as PodTemplate } : { problem };
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null).map(([key, item]) => [key, withoutNulls(item)]));
}
