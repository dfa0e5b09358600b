/** Deployments on the memory store, whose pods are replaced when the test says so: what kube-controller-manager would do. */
import type { ControllerContext } from '../../../src/controllers/index.ts';
import { isRolledOut } from '../../../src/controllers/reload/workload.ts';
import type { Deployment, Secret } from '../../../src/resources/index.ts';
import { ReloadBench } from './reload-bench.ts';

const cluster = { secretNamespaces: undefined, configMapBundles: false, clusterTrustBundles: false, podWarnings: true, rolloutRestart: true };

export class WorkloadBench {
  readonly bench: ReloadBench;
  #revision = 0;

  private constructor(bench: ReloadBench) {
    this.bench = bench;
  }

  /** With an identity whose pods are replaced when roots change, at rest. */
  static async start(more: Partial<ControllerContext> = {}): Promise<WorkloadBench> {
    const bench = await ReloadBench.start({ cluster, ...more });
    bench.identity('cart', { onBundle: { rolloutRestart: {} } }, { ttl: '4h' });
    await bench.fleet.pass(5);
    return new WorkloadBench(bench);
  }

  /** A Deployment of one pod that runs. */
  async deployment(name: string): Promise<void> {
    const { world } = this.bench.fleet;
    const labels = { app: name };
    world.asUser(`deployment ${name}`, () => world.store.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: 'shop', name }, spec: { replicas: 1, template: { metadata: { labels } } } }));
    await this.#replacePod(name);
  }

  /** A budget for the pods of a Deployment. */
  async budget(app: string, disruptionsAllowed: number): Promise<void> {
    const { world } = this.bench.fleet;
    const key = { kind: 'PodDisruptionBudget', namespace: 'shop', name: app } as const;
    if (world.store.peek(key) === undefined) world.asUser(`budget ${app}`, () => world.store.apply({ apiVersion: 'policy/v1', ...key, metadata: key, spec: { selector: { matchLabels: { app } } } } as Parameters<typeof world.store.apply>[0]));
    const { uid = '', resourceVersion = '', generation = 1 } = world.store.peek(key)?.metadata ?? {};
    const done = world.store.patchStatus(key, { observedGeneration: generation, disruptionsAllowed }, { uid, resourceVersion });
    await world.drain();
    await done;
  }

  /** Kubernetes replaces the pods of all Deployments whose template has changed. */
  async rollOut(): Promise<void> {
    for (const { metadata } of this.rolling()) await this.#replacePod(metadata.name);
    await this.bench.fleet.pass(10);
  }

  /** Deployments whose pods are still to be replaced. */
  rolling(): readonly Deployment[] {
    return this.bench.fleet.world.store.all('Deployment').filter((deployment) => !isRolledOut(deployment));
  }

  /** By name, for which bundle each was restarted. */
  restarts(): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries(this.bench.fleet.world.store.all('Deployment').map(({ metadata, spec }) => [metadata.name, spec.template.metadata?.annotations?.['mtlsd.io/restarted-for']]));
  }

  async #replacePod(name: string): Promise<void> {
    const { world } = this.bench.fleet;
    const deployment = world.store.peek({ kind: 'Deployment', namespace: 'shop', name });
    const pods = world.store.all('Pod').filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.name.startsWith(`${name}-`)) === true);
    for (const pod of pods) this.bench.gone(pod.metadata.name);
    const set = `${name}-${(this.#revision += 1)}`;
    const owned = (kind: string, owner: string) => ({ ownerReferences: [{ apiVersion: 'apps/v1', kind, name: owner, uid: `uid-${owner}`, controller: true }] });
    world.asUser(`replica set ${set}`, () => world.store.apply({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { namespace: 'shop', name: set, ...owned('Deployment', name) } }));
    await this.bench.pod(`${set}-pod`, ['cart-mtls'], {}, owned('ReplicaSet', set));
    const { uid = '', resourceVersion = '', generation = 1 } = deployment?.metadata ?? {};
    const done = world.store.patchStatus({ kind: 'Deployment', namespace: 'shop', name }, { observedGeneration: generation, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }, { uid, resourceVersion });
    await world.drain();
    await done;
  }
}

function activeRoot(record: Secret | undefined): string {
  const { authorities } = JSON.parse(Buffer.from(record?.data['record.json'] ?? '', 'base64').toString('utf8')) as { readonly authorities: readonly Readonly<Record<'role' | 'state' | 'keyIdentifier', string>>[] };
  return authorities.find(({ role, state }) => role === 'Root' && state === 'Active')?.keyIdentifier ?? '';
}

/** Another root joins the bundle. Until it is in the Secret. */
export async function newRoots(bench: ReloadBench): Promise<void> {
  const { world } = bench.fleet;
  const fromAuthority = activeRoot(world.store.peek({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' }));
  const before = bench.status().bundleGeneration;
  world.asUser('rotation', () => world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'root' }, spec: { trustDomain: 'a.example', what: 'Root', fromAuthority } }));
  for (let seconds = 0; bench.status().bundleGeneration === before; seconds += 1) {
    if (seconds > 60) throw new Error('the bundle does not change');
    await bench.fleet.pass(1);
  }
}
