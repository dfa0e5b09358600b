/** Pods and templates that ask for their identity, and the part of the chart that gives it to them. */
import { renderChart } from './chart.ts';

/** What these tests look at of a pod. */
export interface PodObject {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly volumes?: readonly { readonly name: string }[] };
}

/** The same object without the label: no policy of ours looks at it. */
export function unlabelled(manifest: string): PodObject {
  const pod = JSON.parse(manifest) as PodObject;
  const labels = Object.fromEntries(Object.entries(pod.metadata.labels ?? {}).filter(([key]) => key !== 'mtlsd.io/inject'));
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

/** The policies of injection, and their bindings. */
export async function injectionObjects(args: readonly string[]): Promise<object[]> {
  return (await renderChart(args)).filter(({ metadata }) => metadata.name.startsWith('mtlsd-inject'));
}

/** A pod with the label. */
export const labelled = (label: string, spec: object = {}, annotations: Readonly<Record<string, string>> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'cart', namespace: 'shop', labels: { 'mtlsd.io/inject': label }, annotations },
  spec: { serviceAccountName: 'cart', containers: [{ name: 'main', image: 'x' }], ...spec },
});

const template = (label: string) => ({ metadata: { labels: { app: 'a', 'mtlsd.io/inject': label } }, spec: { containers: [{ name: 'main', image: 'x' }], restartPolicy: 'Always' } });

/** A Deployment whose pods carry the label. */
export const deployment = (label: string, replicas = 1) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', namespace: 'shop' }, spec: { replicas, selector: { matchLabels: { app: 'a' } }, template: template(label) } });
export const deployments = '/apis/apps/v1/namespaces/shop/deployments';
export const cronJobs = '/apis/batch/v1/namespaces/shop/cronjobs';

/** A CronJob whose pods carry the label. */
export const cronJob = (label: string) => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'c' },
  spec: { schedule: '@daily', jobTemplate: { spec: { template: { ...template(label), spec: { ...template(label).spec, restartPolicy: 'Never' } } } } },
});
