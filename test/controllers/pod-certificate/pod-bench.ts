/** Pods and their requests on the memory store in virtual time, with the real reconcilers: what the API server would let through. */
import { generateKeyPairSync } from 'node:crypto';
import { decodeRecord, reservedMs } from '../../../src/authority/index.ts';
import type { ControllerContext } from '../../../src/controllers/index.ts';
import type { Pod, PodCertificateRequest, Secret, ServiceAccount, TrustDomainSpec, TrustDomainStatus, WorkloadIdentitySpec } from '../../../src/resources/index.ts';
import { parseTrustDomainName } from '../../../src/spiffe/index.ts';
import { stubRequest } from '../../cluster/pod-requests.ts';
import { orderWebCrypto } from '../../model/crypto-order.ts';
import { fillKeyPools } from '../../model/key-pool.ts';
import { Random } from '../../model/random.ts';
import { putIdentity, putTrustDomain } from '../../model/users.ts';
import { World } from '../../model/world.ts';

const namespace = 'shop';
/** One key serves: what is certified is whatever the request says. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stub = stubRequest(privateKey, 'ECDSAP256');

export interface ToldEvent {
  readonly pod: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export class PodBench {
  readonly world: World;
  readonly events: ToldEvent[] = [];
  readonly pending = new Map<string, number>();
  readonly answered: { readonly outcome: string; readonly tookMs: number }[] = [];
  /** Leaves that were signed beyond what the authority record said at that moment. */
  readonly unreserved: string[] = [];
  signed = 0;
  /** The end of the certificate that ends last, milliseconds since the epoch. */
  latestEndMs = 0;
  /** Whether status never learns what is reserved: as good as a status that is always restored with the record. */
  statusForgets = false;
  /** What each process was started with. */
  readonly contexts: ControllerContext[] = [];
  /** What the next process is started with instead. */
  wrapped: (context: ControllerContext) => ControllerContext = (context) => context;
  /** Writes of the authority record that were answered. */
  recordWrites = 0;

  /** Whether identities are delivered as Secrets too. */
  readonly #secretDelivery: boolean;
  readonly #podWarnings: boolean;

  constructor(seed: number, secretDelivery: boolean, podWarnings: boolean) {
    this.#secretDelivery = secretDelivery;
    this.#podWarnings = podWarnings;
    this.world = new World(new Random(seed), { wrapContext: (context) => this.#started(this.wrapped(this.#placed(context))) });
  }

  /** With trust domain `a.example` and a namespace, started and at rest. */
  static async start(trustDomain: TrustDomainSpec = {}, { seed = 1, secretDelivery = true, podWarnings = false } = {}): Promise<PodBench> {
    orderWebCrypto();
    await fillKeyPools();
    const bench = new PodBench(seed, secretDelivery, podWarnings);
    bench.user(() => bench.world.store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
    bench.user(() => putTrustDomain(bench.world, 'a.example', trustDomain));
    bench.world.start();
    await bench.world.drain();
    return bench;
  }

  user(act: () => unknown): void {
    this.world.asUser('acts', () => void act());
  }

  account(name: string): ServiceAccount {
    this.user(() => this.world.store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } }));
    return this.#present(this.world.store.peek({ kind: 'ServiceAccount', namespace, name }));
  }

  identity(name: string, spec: WorkloadIdentitySpec = {}): void {
    this.user(() => putIdentity(this.world, namespace, name, spec));
  }

  pod(name: string, serviceAccountName: string, nodeName: string | undefined = 'node-a'): Pod {
    const spec = { serviceAccountName, ...(nodeName === undefined ? {} : { nodeName }), containers: [] };
    this.user(() => this.world.store.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name }, spec }));
    return this.#present(this.world.store.peek({ kind: 'Pod', namespace, name }));
  }

  /** A request as kubelet makes it for a pod and its account. */
  request(pod: Pod, account: ServiceAccount, more: Partial<PodCertificateRequest['spec']> = {}, name = pod.metadata.name): void {
    const spec = {
      signerName: 'mtlsd.io/x509-svid',
      podName: pod.metadata.name,
      podUID: pod.metadata.uid,
      serviceAccountName: account.metadata.name,
      serviceAccountUID: account.metadata.uid,
      nodeName: 'node-a',
      nodeUID: 'node-uid',
      maxExpirationSeconds: 86_400,
      stubPKCS10Request: stub,
      ...more,
    };
    this.user(() => this.world.store.apply({ apiVersion: 'certificates.k8s.io/v1', kind: 'PodCertificateRequest', metadata: { namespace, name }, spec }));
  }

  /** An account, its pod and its request, all of one name. */
  ask(name: string, more: Partial<PodCertificateRequest['spec']> = {}): void {
    const account = this.account(name);
    this.request(this.pod(name, name), account, more);
  }

  found(name: string): PodCertificateRequest {
    return this.#present(this.world.store.peek({ kind: 'PodCertificateRequest', namespace, name }));
  }

  /** `Issued`, `Denied: reason`, or undefined while it waits. */
  outcome(name: string): string | undefined {
    const [condition] = this.found(name).status?.conditions ?? [];
    return condition === undefined ? undefined : condition.type === 'Issued' ? 'Issued' : `${condition.type}: ${condition.reason}`;
  }

  get statusWrites(): number {
    return this.world.store.counts().statusPatched;
  }

  /** The Secret with the authorities of `a.example`. */
  get record(): Secret {
    return this.#present(this.world.store.peek({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' }));
  }

  /** The reservation in the record of `a.example`, milliseconds since the epoch. */
  reserved(authority: string): number {
    const record = decodeRecord(this.record.data, parseTrustDomainName('a.example'), 'the record');
    const known = record.authorities.find(({ keyIdentifier }) => keyIdentifier === authority);
    return known === undefined ? 0 : (reservedMs(known, 'pod-certificate') ?? 0);
  }

  async pass(ms: number): Promise<void> {
    await this.world.advance(ms);
    await this.world.drain();
  }

  #started(context: ControllerContext): ControllerContext {
    this.contexts.push(context);
    return context;
  }

  #placed(context: ControllerContext): ControllerContext {
    const { store } = context;
    const counting: typeof store = {
      watch: (...parameters) => store.watch(...parameters),
      get: (key) => store.get(key),
      write: async (object, expect) => {
        const written = await store.write(object, expect);
        if (object.metadata.name.startsWith('mtlsd-authorities-')) this.recordWrites += 1;
        return written;
      },
      patchStatus: (key, status, expect) => store.patchStatus(key, this.statusForgets && key.kind === 'TrustDomain' ? withoutReserved(status as TrustDomainStatus) : status, expect),
      delete: (...parameters) => store.delete(...parameters),
      serves: (kind) => store.serves(kind),
    };
    return {
      ...context,
      store: counting,
      cluster: { secretNamespaces: undefined, configMapBundles: false, clusterTrustBundles: false, podCertificates: true, secretDelivery: this.#secretDelivery, podWarnings: this.#podWarnings },
      events: { record: (target, event) => (target.kind === 'Pod' ? void this.events.push({ pod: target.metadata.name, ...event }) : undefined) },
      metrics: {
        ...context.metrics,
        podCertificate: (outcome, tookMs) => void this.answered.push({ outcome, tookMs }),
        podCertificatesPending: (reason, count) => void this.pending.set(reason, count),
      },
      audit: {
        record: (record) => {
          context.audit.record(record);
          if (record.decision !== 'issued' || !record.object.startsWith('PodCertificateRequest')) return;
          this.signed += 1;
          this.latestEndMs = Math.max(this.latestEndMs, Date.parse(record.notAfter ?? ''));
          if (Date.parse(record.notAfter ?? '') > this.reserved(record.authority ?? '')) this.unreserved.push(record.object);
        },
      },
    };
  }

  #present<T>(object: T | undefined): T {
    if (object === undefined) throw new Error('there is no such object');
    return object;
  }
}

function withoutReserved({ authorities = [], ...status }: TrustDomainStatus): TrustDomainStatus {
  return { ...status, authorities: authorities.map(({ reserved: _reserved, ...authority }) => authority) };
}
