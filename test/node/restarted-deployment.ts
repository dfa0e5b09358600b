/** A real Deployment whose pods are replaced because roots have changed: by kube-controller-manager, under a real PodDisruptionBudget. */
import { expect, vi } from 'vitest';
import { identity, namespace, paths, serviceAccount, trustDomain, type Live } from '../cluster/controller-site.ts';
import { imageName } from '../cluster/node/images.ts';
import { pace, patienceMs, type NodeSite } from './node-site.ts';

const place = 'restart';
const domain = 'restart.example';
const replicas = 2;
const labels = { app: place };
const path = `/apis/apps/v1/namespaces/${place}/deployments/${place}`;

/** It says when it began which roots it sees, and never looks again. */
const template = {
  metadata: { labels: { ...labels, 'mtlsd.io/inject': 'secret' }, annotations: { 'mtlsd.io/trust-domain': domain } },
  spec: {
    serviceAccountName: place,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: imageName('shell'), imagePullPolicy: 'Never', command: ['sh', '-c', 'grep -c BEGIN /var/run/secrets/mtlsd/ca.crt; exec sleep 100000'] }],
  },
};
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: place, name: place }, spec: { replicas, selector: { matchLabels: labels }, template } };
const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { namespace: place, name: place }, spec: { minAvailable: 1, selector: { matchLabels: labels } } };

interface Authority {
  readonly role: string;
  readonly state: string;
  readonly keyIdentifier: string;
}

export class RestartedDeployment {
  readonly #node: NodeSite;
  readonly #before: readonly string[];

  private constructor(node: NodeSite, before: readonly string[]) {
    this.#node = node;
    this.#before = before;
  }

  /** Runs, and another root comes. The restart comes later. */
  static async start(node: NodeSite): Promise<RestartedDeployment> {
    const { site } = node;
    await site.apply(namespace(place), serviceAccount(place, place), trustDomain(domain, pace));
    await site.apply(identity(place, place, { trustDomain: domain, reload: { onBundle: { rolloutRestart: {} } } }), budget, deployment);
    await site.see(paths.identity(place, place), (object) => bundleIn(object) === 1, patienceMs);
    await site.see(path, ({ status }) => status?.['availableReplicas'] === replicas, patienceMs);
    const before = new RestartedDeployment(node, (await podsOf(node)).map(({ metadata }) => metadata.uid));
    const { status } = await site.see(paths.trustDomain(domain));
    const root = (status?.['authorities'] as readonly Authority[] | undefined)?.find(({ role, state }) => role === 'Root' && state === 'Active');
    await site.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: domain }, spec: { trustDomain: domain, what: 'Root', fromAuthority: root?.keyIdentifier } });
    return before;
  }

  /** Its pods are others, they see both roots, and the identity says so. */
  async expectRestarted(): Promise<void> {
    const { site } = this.#node;
    const { status } = await site.see(paths.identity(place, place), (object) => bundleIn(object) === 2, patienceMs);
    expect(status?.['reload']).toMatchObject({ onBundle: { pods: replicas, reloaded: replicas } });
    const { spec } = await site.see(path);
    expect(spec?.['template']).toMatchObject({ metadata: { annotations: { 'mtlsd.io/restarted-for': `${domain}/2`, 'kubectl.kubernetes.io/restartedAt': expect.any(String) as string } } });
    await vi.waitFor(async () => expect(await podsOf(this.#node)).toHaveLength(replicas), { timeout: patienceMs, interval: 500 });
    for (const { metadata } of await podsOf(this.#node)) {
      expect(this.#before).not.toContain(metadata.uid);
      expect(await site.kubectl(['logs', `--namespace=${place}`, metadata.name])).toBe('2\n');
    }
  }
}

const podsOf = async (node: NodeSite): Promise<readonly Live[]> => node.site.list(`/api/v1/namespaces/${place}/pods`);

function bundleIn({ status }: Live): number | undefined {
  return (status?.['reload'] as { readonly onBundle?: { readonly bundleGeneration: number } } | undefined)?.onBundle?.bundleGeneration;
}
