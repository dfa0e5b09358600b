/** An identity that its pods are told about, on the memory store in virtual time. The pods' answers are up to the test. */
import type { ControllerContext } from '../../../src/controllers/index.ts';
import { MtlsdError } from '../../../src/errors/index.ts';
import type { Kind } from '../../../src/store/port.ts';
import type { PodCall } from '../../../src/controllers/reload/call-pod.ts';
import type { Condition, Pod, WorkloadIdentitySpec, WorkloadIdentityStatus } from '../../../src/resources/index.ts';
import { FleetBench } from '../fleet-bench.ts';

/** What a pod does when it is called. */
export type Answer = (call: PodCall) => Promise<string | undefined>;

/** How pods are called. */
export const http = { port: 8080, path: '/-/reload' };
export const boundSeconds = 90;

/** What a pod was told, with whom. */
export interface Told {
  readonly ip: string;
  readonly event: string;
  readonly serialNumber?: string;
  readonly bundleGeneration?: number;
  readonly identity: string;
  readonly atMs: number;
}

export class ReloadBench {
  readonly fleet: FleetBench;
  readonly told: Told[] = [];
  /** By address; a pod that is not here takes what it is told. */
  readonly answers = new Map<string, Answer>();
  readonly events: string[] = [];
  /** Statuses of identities that were written. */
  statusWrites = 0;
  /** What the next process gets besides, or instead. */
  more: Partial<ControllerContext> = {};
  /** Mtlsd gets the right that was withheld. */
  grant: () => void = () => undefined;
  #pods = 0;

  private constructor(fleet: FleetBench) {
    this.fleet = fleet;
  }

  /** @param withheld a kind that mtlsd has no right to watch until it is granted */
  static async start(more: Partial<ControllerContext> = {}, withheld?: Kind): Promise<ReloadBench> {
    let bench: ReloadBench | undefined;
    const granted: (() => void)[] = [];
    const fleet = await FleetBench.start((context) => ({
      callPod: async (call) => bench?.call(call),
      events: { record: (_target, { reason, message }) => void bench?.events.push(`${reason}: ${message}`) },
      store: counting(context.store, { written: () => bench !== undefined && (bench.statusWrites += 1), withheld, withhold: (watch) => void granted.push(watch) }),
      ...(bench?.more ?? more),
    }));
    bench = new ReloadBench(fleet);
    bench.more = more;
    bench.grant = () => granted.splice(0).forEach((watch) => watch());
    fleet.namespace('shop');
    for (const account of ['cart', 'pay']) fleet.account('shop', account);
    return bench;
  }

  async call(call: PodCall): Promise<string | undefined> {
    const answer = this.answers.get(call.ip);
    this.told.push({ ip: call.ip, atMs: this.fleet.world.time.trueMs, ...(JSON.parse(call.body) as Omit<Told, 'ip' | 'atMs'>) });
    return answer?.(call);
  }

  identity(name: string, reload: WorkloadIdentitySpec['reload'], spec: WorkloadIdentitySpec = {}): void {
    const { world } = this.fleet;
    world.asUser(`identity ${name}`, () =>
      world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name }, spec: { ttl: '1h', ...spec, ...(reload === undefined ? {} : { reload }) } }),
    );
  }

  /** A pod that runs and mounts these Secrets. Returns its address. */
  async pod(name: string, secrets: readonly string[] = ['cart-mtls'], spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}): Promise<string> {
    const { world } = this.fleet;
    const ip = `10.0.0.${(this.#pods += 1)}`;
    world.asUser(`pod ${name}`, () =>
      world.store.apply({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'shop', name, ...metadata },
        spec: {
          serviceAccountName: 'cart',
          volumes: secrets.map((secretName) => ({ name: secretName, secret: { secretName, defaultMode: 0o440 } })),
          containers: [{ name: 'main', volumeMounts: secrets.map((secretName) => ({ name: secretName, mountPath: `/${secretName}` })) }],
          ...spec,
        },
      }),
    );
    await this.runs(name, ip);
    return ip;
  }

  /** Its container begins to run, anew. */
  async runs(name: string, podIP: string): Promise<void> {
    const { world } = this.fleet;
    const key = { kind: 'Pod', namespace: 'shop', name } as const;
    const { uid = '', resourceVersion = '' } = world.store.peek(key)?.metadata ?? {};
    const startedAt = new Date(world.time.trueMs).toISOString();
    const done = world.store.patchStatus(key, { phase: 'Running', podIP, containerStatuses: [{ name: 'main', state: { running: { startedAt } } }] }, { uid, resourceVersion });
    await world.drain();
    await done;
  }

  gone(name: string): void {
    const { world } = this.fleet;
    world.asUser(`no pod ${name}`, () => world.store.remove({ kind: 'Pod', namespace: 'shop', name }));
  }

  status(name = 'cart'): WorkloadIdentityStatus {
    return this.fleet.identity('shop', name)?.status ?? {};
  }

  condition(name = 'cart'): Condition | undefined {
    return this.status(name).conditions?.find(({ type }) => type === 'Reloaded');
  }

  /** Until there is another certificate. */
  async renewal(name = 'cart'): Promise<string> {
    const before = this.status(name).serialNumber;
    for (let minutes = 0; this.status(name).serialNumber === before; minutes += 1) {
      if (minutes > 180) throw new Error('it is not renewed');
      await this.fleet.pass(60, 60);
    }
    return this.status(name).serialNumber ?? '';
  }

  /** The pods that were told of this, in order. */
  toldOf(what: string | number | undefined): readonly string[] {
    return this.told.filter(({ serialNumber, bundleGeneration }) => (serialNumber ?? bundleGeneration) === what).map(({ ip }) => ip);
  }
}

interface StoreKeeper {
  readonly withheld: Kind | undefined;
  written(): unknown;
  withhold(watch: () => void): void;
}

function counting(store: ControllerContext['store'], keeper: StoreKeeper): ControllerContext['store'] {
  const patchStatus: typeof store.patchStatus = async (key, status, expect) => {
    const written = await store.patchStatus(key, status, expect);
    if (key.kind === 'WorkloadIdentity') keeper.written();
    return written;
  };
  return {
    watch: (kind, selector, handler, signal) => {
      if (kind !== keeper.withheld) return store.watch(kind, selector, handler, signal);
      queueMicrotask(() => handler.interrupted?.(new MtlsdError('STORE_FORBIDDEN', `no right to watch ${kind}s`, { details: { object: kind } })));
      return keeper.withhold(() => store.watch(kind, selector, handler, signal));
    },
    get: async (key) => store.get(key),
    write: async (object, expect) => store.write(object, expect),
    delete: async (key, expect) => store.delete(key, expect),
    serves: async (kind) => store.serves(kind),
    patchStatus,
  };
}
