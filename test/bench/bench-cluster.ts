/** What benchmarks on a cluster have in common. */
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { inParallel, type ApiClient } from './api-client.ts';

/** As many writes under way as the controller has: sixteen reconciliations. */
export const width = 16;
/** Where identities are, up to the namespace. */
export const identitiesApi = '/apis/mtlsd.io/v1alpha1/namespaces';

/** Installs the CRDs, the namespaces and a trust domain. */
export async function prepareCluster(cluster: Cluster, namespaces: readonly string[]): Promise<void> {
  await must(cluster, ['apply', '-f', join(import.meta.dirname, '..', '..', 'crds')]);
  await must(cluster, ['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
  for (const namespace of namespaces) await must(cluster, ['create', 'namespace', namespace]);
  await must(cluster, ['apply', '-f', '-'], 'apiVersion: mtlsd.io/v1alpha1\nkind: TrustDomain\nmetadata: {name: bench.example}\n');
}

/** Runs kubectl, or throws what it said. */
async function must(cluster: Cluster, args: readonly string[], stdin?: string): Promise<void> {
  const { code, stderr } = await cluster.kubectl(args, stdin);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}

/** An identity as it is created. */
export function identity(namespace: string, name: string) {
  return { apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name, namespace }, spec: { dnsNames: [`${name}.${namespace}.svc`] } };
}

/** Creates identities and their service accounts. */
export async function createIdentities(client: ApiClient, namespace: string, names: readonly string[]): Promise<void> {
  await createAccounts(client, namespace, names);
  await inParallel(names, width, async (name) => client.send('POST', `${identitiesApi}/${namespace}/workloadidentities`, identity(namespace, name)));
}

/** Creates service accounts. */
export async function createAccounts(client: ApiClient, namespace: string, names: readonly string[]): Promise<void> {
  await inParallel(names, width, async (name) => client.send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } }));
}

/** Resolves when `count` identities of the namespace are Ready. */
export async function ready(client: ApiClient, namespace: string, count: number): Promise<void> {
  for (;;) {
    const list = (await client.send('GET', `${identitiesApi}/${namespace}/workloadidentities`)) as unknown as { items: readonly { status?: { conditions?: readonly { type: string; status: string }[] } }[] };
    const done = list.items.filter((item) => item.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
    if (done.length >= count) return;
    await new Promise((resume) => setTimeout(resume, 50));
  }
}
