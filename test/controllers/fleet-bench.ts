import type { ControllerContext } from '../../src/controllers/index.ts';
import type { ClusterWorkloadIdentity, ClusterWorkloadIdentitySpec, WorkloadIdentity } from '../../src/resources/index.ts';
import { orderWebCrypto } from '../model/crypto-order.ts';
import { fillKeyPools } from '../model/key-pool.ts';
import { Random } from '../model/random.ts';
import { putTrustDomain } from '../model/users.ts';
import { World } from '../model/world.ts';

/** The real reconcilers with namespaces and service accounts as objects, on the memory store in virtual time. */

type Labels = Readonly<Record<string, string>>;

const cluster = { secretNamespaces: undefined, configMapBundles: false, clusterTrustBundles: false, podWarnings: true } as const;

/** What a fleet is shown on. */
export class FleetBench {
  readonly world: World;

  private constructor(world: World) {
    this.world = world;
  }

  /** With the trust domain `a.example`, at rest. `more` is what this controller gets besides, or instead. */
  static async start(more: (context: ControllerContext) => Partial<ControllerContext> = () => ({})): Promise<FleetBench> {
    orderWebCrypto();
    await fillKeyPools();
    const bench = new FleetBench(new World(new Random(1), { wrapContext: (context) => ({ ...context, cluster, ...more(context) }) }));
    bench.world.asUser('put a.example', () => putTrustDomain(bench.world, 'a.example', {}));
    bench.world.start();
    await bench.world.drain();
    return bench;
  }

  /** Lets time pass, second by second, and does what becomes due. */
  async pass(seconds: number, strideSeconds = 1): Promise<void> {
    for (let left = seconds; left > 0; left -= strideSeconds) {
      await this.world.advance(strideSeconds * 1_000);
      await this.world.drain();
    }
  }

  /** The process dies, and another one begins and comes to rest. */
  async restart(): Promise<void> {
    this.world.crash();
    this.world.start();
    await this.pass(10);
  }

  namespace(name: string, labels: Labels = {}): void {
    this.world.asUser(`namespace ${name}`, () => this.world.store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } } }));
  }

  account(namespace: string, name: string, labels: Labels = {}): void {
    this.world.asUser(`account ${name}`, () => this.world.store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name, labels } }));
  }

  removeAccount(namespace: string, name: string): void {
    this.world.asUser(`remove account ${name}`, () => this.world.store.remove({ kind: 'ServiceAccount', namespace, name }));
  }

  fleet(name: string, spec: Partial<ClusterWorkloadIdentitySpec> = {}): void {
    const wanted: ClusterWorkloadIdentitySpec = { namespaceSelector: { matchLabels: { team: 'shop' } }, ...spec };
    this.world.asUser(`fleet ${name}`, () => this.world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'ClusterWorkloadIdentity', metadata: { name }, spec: wanted }));
  }

  removeFleet(name: string): void {
    this.world.asUser(`remove fleet ${name}`, () => this.world.store.remove({ kind: 'ClusterWorkloadIdentity', name }));
  }

  identity(namespace: string, name: string): WorkloadIdentity | undefined {
    return this.world.store.peek({ kind: 'WorkloadIdentity', namespace, name });
  }

  /** The names of the WorkloadIdentities of a namespace. */
  names(namespace: string): readonly string[] {
    return this.world.store.all('WorkloadIdentity').filter(({ metadata }) => metadata.namespace === namespace).map(({ metadata }) => metadata.name).sort();
  }

  status(name: string): NonNullable<ClusterWorkloadIdentity['status']> {
    return this.world.store.peek({ kind: 'ClusterWorkloadIdentity', name })?.status ?? {};
  }

  ready(name: string): string | undefined {
    return this.status(name).conditions?.find(({ type }) => type === 'Ready')?.reason;
  }

  /** All writes so far. */
  writes(): number {
    const { created, replaced, statusPatched, deleted } = this.world.store.counts();
    return created + replaced + statusPatched + deleted;
  }
}
