/** Peers in pods that shake hands with each other all the time, and what they say of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { identity, serviceAccount, type Live } from '../cluster/controller-site.ts';
import { imageName } from '../cluster/node/images.ts';
import { domain, patienceMs, quickTtl, type NodeSite } from './node-site.ts';

/** One peer of the mesh: a pod, a service account and an identity of the same name. */
export interface PeerPlan {
  readonly namespace: string;
  readonly name: string;
  readonly image: 'go-peer' | 'node-peer';
  /** The label; none: the pod asks for nothing. */
  readonly delivery?: 'secret' | 'pod-certificate';
  /** How long certificates in its Secret live; left out: as short as can be. */
  readonly ttl?: string;
  /** If it is of another one than everybody. */
  readonly trustDomain?: string;
  /** If it calls those of another trust domain, and nobody else. */
  readonly callsForeigners?: boolean;
}

/** Who is to reach nobody. */
function isOutsider({ delivery, trustDomain, callsForeigners }: PeerPlan): boolean {
  return delivery === undefined || trustDomain !== undefined || callsForeigners === true;
}

/** Whether `caller` calls `other`, again and again. */
function calls(caller: PeerPlan, other: PeerPlan): boolean {
  return caller !== other && (caller.callsForeigners === true ? other.trustDomain !== undefined : !isOutsider(other));
}

/** What a peer says at /stats. */
export interface Stats {
  readonly spiffeId: string;
  readonly notAfter: string;
  /** Of each certificate that it has had, in order. */
  readonly serials: readonly string[];
  readonly readings: number;
  /** Readings that were no pair. */
  readonly torn: readonly string[];
  /** Rounds that ended since it heard of its peers last. */
  readonly roundsSincePeers: number;
  readonly called: number;
  readonly failed: readonly string[];
  readonly served: number;
  readonly refused: readonly string[];
}

const spiffeIdOf = ({ namespace, name, trustDomain = domain }: Pick<PeerPlan, 'namespace' | 'name' | 'trustDomain'>): string => `spiffe://${trustDomain}/ns/${namespace}/sa/${name}`;
const podPath = ({ namespace, name }: Pick<PeerPlan, 'namespace' | 'name'>): string => `/api/v1/namespaces/${namespace}/pods/${name}`;

/** A pod of test images: it ends at once when it is deleted. */
export function podOf(plan: Pick<PeerPlan, 'namespace' | 'name' | 'delivery' | 'trustDomain'>, container: object, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: plan.namespace,
      name: plan.name,
      labels: plan.delivery === undefined ? {} : { 'mtlsd.io/inject': plan.delivery },
      annotations: plan.trustDomain === undefined ? {} : { 'mtlsd.io/trust-domain': plan.trustDomain },
    },
    spec: {
      serviceAccountName: plan.name,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', imagePullPolicy: 'Never', ...container }],
      ...spec,
    },
  };
}

export class Mesh {
  readonly #node: NodeSite;
  /** Addresses by `namespace/name`. */
  readonly #members = new Map<string, { readonly plan: PeerPlan; readonly address: string }>();

  constructor(node: NodeSite) {
    this.#node = node;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Makes service accounts, identities and pods, waits until they run, and tells everybody. */
  async add(...plans: readonly PeerPlan[]): Promise<void> {
    const { site } = this.#node;
    await site.apply(
      ...plans.map(({ namespace, name }) => serviceAccount(namespace, name)),
      ...plans.filter(({ delivery }) => delivery !== undefined).map(({ namespace, name, delivery, trustDomain, ttl = quickTtl }) => identity(namespace, name, { ...(delivery === 'secret' ? { ttl } : {}), ...(trustDomain === undefined ? {} : { trustDomain }) })),
      ...plans.map((plan) => podOf(plan, { image: imageName(plan.image) })),
    );
    for (const plan of plans) this.#members.set(`${plan.namespace}/${plan.name}`, { plan, address: await this.#addressOf(plan) });
    await this.tellPeers();
  }

  /** Takes peers out of everybody's list; their pods stay. */
  async dismiss(...plans: readonly Pick<PeerPlan, 'namespace' | 'name'>[]): Promise<void> {
    for (const { namespace, name } of plans) this.#members.delete(`${namespace}/${name}`);
    await this.tellPeers();
  }

  /** Everybody hears of whom to call. */
  async tellPeers(): Promise<void> {
    const members = [...this.#members.values()];
    for (const { plan, address } of members) {
      const targets = members
        .filter((other) => calls(plan, other.plan))
        .map((other) => ({ name: `${other.plan.namespace}/${other.plan.name}`, address: other.address, spiffeId: spiffeIdOf(other.plan) }));
      await vi.waitFor(async () => expect((await fetch(`http://${address}:8080/peers`, { method: 'PUT', body: JSON.stringify(targets) })).ok).toBe(true), { timeout: patienceMs, interval: 200 });
    }
  }

  async statsOf({ namespace, name }: Pick<PeerPlan, 'namespace' | 'name'>): Promise<Stats> {
    const member = this.#members.get(`${namespace}/${name}`);
    if (member === undefined) throw new Error(`${namespace}/${name} is not in the mesh`);
    return (await (await fetch(`http://${member.address}:8080/stats`)).json()) as Stats;
  }

  /** Waits until a peer says what is wanted. */
  async see(plan: Pick<PeerPlan, 'namespace' | 'name'>, wanted: (stats: Stats) => boolean, timeout = patienceMs): Promise<Stats> {
    return vi.waitFor(
      async () => {
        const stats = await this.statsOf(plan);
        if (!wanted(stats)) throw new Error(`${plan.namespace}/${plan.name}: ${JSON.stringify(stats)}`);
        return stats;
      },
      { timeout, interval: 250 },
    );
  }

  /** Waits until everybody has called everybody `rounds` times from now on, and holds that nothing has failed since the start. */
  async allWell(rounds = 1): Promise<void> {
    const members = [...this.#members.values()].map(({ plan }) => plan);
    const before = new Map(await Promise.all(members.map(async (plan) => [plan, (await this.statsOf(plan)).roundsSincePeers] as const)));
    for (const plan of members) {
      const stats = await this.see(plan, ({ roundsSincePeers }) => roundsSincePeers > (before.get(plan) ?? 0) + rounds);
      const who = `${plan.namespace}/${plan.name}`;
      expect({ who, torn: stats.torn }).toEqual({ who, torn: [] });
      if (isOutsider(plan)) {
        // It called everybody as well, and reached nobody.
        expect(stats.called).toBeGreaterThan(0);
        expect({ who, failures: stats.failed.length }).toEqual({ who, failures: Math.min(stats.called, 100) });
        continue;
      }
      // A refusal of one of us is a failure where it was called from; what else a server refuses is the pod without an identity.
      expect({ who, failed: stats.failed }).toEqual({ who, failed: [] });
      expect(stats.called).toBeGreaterThan(0);
      expect(stats.spiffeId).toBe(spiffeIdOf(plan));
    }
  }

  /** Calls that were made so far, by all. */
  async handshakes(): Promise<number> {
    let sum = 0;
    for (const { plan } of this.#members.values()) if (!isOutsider(plan)) sum += (await this.statsOf(plan)).called;
    return sum;
  }

  async #addressOf(plan: PeerPlan): Promise<string> {
    const running = (pod: Live): boolean => (pod.status?.['containerStatuses'] as readonly { readonly ready: boolean }[] | undefined)?.every(({ ready }) => ready) === true;
    const pod = await this.#node.site.see(podPath(plan), running, patienceMs);
    const address = String(pod.status?.['podIP']);
    // It listens for peers before it listens for us.
    await vi.waitFor(async () => fetch(`http://${address}:8080/stats`), { timeout: patienceMs, interval: 100 });
    return address;
  }
}

/** Waits until it is that time. */
export async function waitUntil(timeMs: number): Promise<void> {
  await sleep(Math.max(0, timeMs - Date.now()));
}
