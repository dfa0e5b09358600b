import { ProcessLease, type ControllerContext } from '../../../src/controllers/index.ts';
import type { CARotation, CARotationSpec, Secret, TrustDomainSpec } from '../../../src/resources/index.ts';
import type { MemoryStore } from '../../../src/store/memory/index.ts';
import { orderWebCrypto } from '../../model/crypto-order.ts';
import { fillKeyPools } from '../../model/key-pool.ts';
import { readPair } from '../../model/oracle.ts';
import { Random } from '../../model/random.ts';
import { putIdentity, putTrustDomain } from '../../model/users.ts';
import { World } from '../../model/world.ts';
import { Fleet, refusal } from './fleet.ts';

/** The real reconcilers on the memory store in virtual time, with consumers that shake hands all the time. */

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;

/** Consumers that are quick: what waits on time is over soon. */
export const quick: TrustDomainSpec = {
  rootAuthority: { lifetime: '2400h' },
  issuingAuthority: { lifetime: '336h' },
  svid: { ttl: '1h', maxTTL: '4h' },
  rotation: { propagationBound: '20s', consumerReload: '40s' },
};

export interface Site {
  readonly world: World;
  readonly store: MemoryStore;
  readonly fleet: Fleet;
  readonly told: string[];
  /** Lets time pass in strides, does what becomes due, and has everybody shake hands after each. */
  pass(ms: number, strideMs?: number): Promise<void>;
  /** Lets time pass until a condition holds. @throws when it does not within that time */
  until(condition: () => boolean, withinMs: number, strideMs?: number): Promise<void>;
  rotation(name?: string): CARotation;
  rotate(name: string, spec?: Partial<CARotationSpec>): void;
  edit(name: string, change: Partial<CARotationSpec>): void;
  phase(name?: string): string | undefined;
  active(role: 'Root' | 'Issuing'): string;
  record(): { authorities: { keyIdentifier: string; role: string; state: string }[]; rotation?: { name: string }; bundleGeneration: number; signerEpoch: number };
  secret(name: string): Secret;
  restart(): Promise<void>;
}

export interface SiteOptions {
  readonly spec?: TrustDomainSpec;
  readonly identities?: number;
  readonly seed?: number;
  readonly wrapContext?: (context: ControllerContext) => ControllerContext;
  /** Whether the store is a cluster's: bundles go into ConfigMaps of namespace `shop` and a ClusterTrustBundle, too. */
  readonly cluster?: boolean;
}

export async function startSite({ spec = quick, identities = 5, seed = 1, wrapContext = (context) => context, cluster = false }: SiteOptions = {}): Promise<Site> {
  orderWebCrypto();
  await fillKeyPools();
  const told: string[] = [];
  const world: World = new World(new Random(seed), {
    wrapContext: (context) =>
      wrapContext({
        ...context,
        lease: new ProcessLease(),
        ...(cluster ? { cluster: { secretNamespaces: undefined, configMapBundles: true, clusterTrustBundles: true } } : {}),
        // TLS judges by the clock of the machine: here the time is virtual, so the same is judged without it.
        handshake: async (server, client) => refusal(server, client, world.time.nowMs) ?? refusal(client, server, world.time.nowMs),
        events: { record: (target, event) => void told.push(`${target.kind} ${target.metadata.name} ${event.type} ${event.reason}: ${event.message}`) },
      }),
  });
  const { store } = world;
  const fleet = new Fleet(store, world.random, { propagationMs: 20 * secondMs, reloadMs: 40 * secondMs });
  const site: Site = {
    world,
    store,
    fleet,
    told,
    async pass(ms, strideMs = secondMs) {
      for (let left = ms; left > 0; left -= strideMs) {
        await world.advance(Math.min(left, strideMs));
        await world.drain();
        fleet.shakeHands(world.time.nowMs);
      }
    },
    async until(condition, withinMs, strideMs = secondMs) {
      for (let left = withinMs; !condition(); left -= strideMs) {
        if (left <= 0) throw new Error(`it does not come to that: ${JSON.stringify(store.all('CARotation').map(({ status }) => status), undefined, 1)}`);
        await site.pass(strideMs, strideMs);
      }
    },
    rotation(name = 'r1') {
      const found = store.peek({ kind: 'CARotation', name });
      if (found === undefined) throw new Error(`no CARotation ${name}`);
      return found;
    },
    rotate: (name, change = {}) =>
      world.asUser(`rotate ${name}`, () => {
        const what = change.what ?? 'Root';
        store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name }, spec: { trustDomain: 'a.example', what, fromAuthority: site.active(what), ...change } });
      }),
    edit: (name, change) => world.asUser(`edit ${name}`, () => void store.edit({ kind: 'CARotation', name }, (current) => ({ ...current, spec: { ...current.spec, ...change } }))),
    phase: (name) => site.rotation(name).status?.phase,
    active(role) {
      return site.record().authorities.find((authority) => authority.role === role && authority.state === 'Active')?.keyIdentifier ?? '';
    },
    record() {
      const secret = store.peek({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' });
      return JSON.parse(Buffer.from(secret?.data['record.json'] ?? 'e30=', 'base64').toString('utf8')) as ReturnType<Site['record']>;
    },
    secret(name) {
      const found = store.peek({ kind: 'Secret', namespace: 'shop', name: `${name}-mtls` });
      if (found === undefined) throw new Error(`no Secret of ${name}`);
      return found;
    },
    async restart() {
      world.crash();
      world.start();
      await world.drain();
    },
  };
  if (cluster) world.asUser('fill the cluster', () => fillCluster(store, identities));
  world.asUser('put a.example', () => putTrustDomain(world, 'a.example', cluster ? { bundle: { namespaceSelector: {} }, ...spec } : spec));
  for (let index = 0; index < identities; index += 1) world.asUser(`put id-${index}`, () => putIdentity(world, 'shop', `id-${index}`, {}));
  world.start();
  await world.drain();
  await site.pass(3 * secondMs);
  if (store.all('Secret').filter(({ metadata }) => metadata.namespace === 'shop').length !== identities) throw new Error('not every identity was issued');
  for (const secret of store.all('Secret')) if (secret.metadata.namespace === 'shop') readPair(secret);
  return site;
}

/** The namespace of the identities, and the service accounts that they are for. */
function fillCluster(store: MemoryStore, identities: number): void {
  store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  for (let index = 0; index < identities; index += 1) store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'shop', name: `id-${index}` } });
}
