import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Leadership, ReservedEnds, startControllers, type ControllerContext, type Controllers } from '../controllers/index.ts';
import { healthServer } from '../server/index.ts';
import { createEventRecorder, openKubernetesStore, type KubernetesStore } from '../store/kubernetes/index.ts';
import type { EventRecorder, Log } from '../telemetry/index.ts';
import { generateKeyPair } from '../x509/index.ts';
import { ReviewedAccounts } from './api/account-tokens.ts';
import type { ApiConfig } from './api/config.ts';
import { apiFamilies } from './api/families.ts';
import { apiMetrics } from './api/metrics.ts';
import { openApi, type ServedApi } from './api/open.ts';
import { ReviewedRights } from './api/reviewed-rights.ts';
import { identityServedWith } from './api/serving-pair.ts';
import { StoreAnchor } from './audit/anchor.ts';
import { AuditedLease } from './audit/audited-lease.ts';
import { auditMetrics } from './audit/metrics.ts';
import { Audit, type AuditSettings } from './audit/open.ts';
import { StoreSecrets } from './audit/secrets.ts';
import { systemClock } from './clock.ts';
import { bundleFetcher } from './trust/fetch-bundle.ts';
import { listenAt } from './listen.ts';
import { returnMemoryAtRest } from './memory-return.ts';
import { PrometheusMetrics } from './metrics/prometheus.ts';

/** What `mtlsd controller` is told. */
export interface ClusterConfig {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** mtlsd's own namespace: authority records and the Lease live there. */
  readonly namespace: string;
  /** Address of probes and metrics. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** Namespaces in which Secrets may be read and written; undefined: all. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly bundles: { readonly configMaps: boolean; readonly clusterTrustBundles: boolean };
  /** Whether identities are delivered as Secrets. */
  readonly secretDelivery: boolean;
  /** Whether pods get certificates for keys that never leave their node. */
  readonly podCertificates: boolean;
  /** Whether workloads may be restarted whose identities ask for it. */
  readonly rolloutRestart: boolean;
  /** Whether pods are looked at. */
  readonly podWarnings: boolean;
  /** The HTTPS API; undefined: none is served. */
  readonly api?: ApiConfig | undefined;
}

const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };
const leaseName = 'mtlsd-controller';
/** Another replica takes over this long after the last sign of life, so within seconds. */
const leaseDurationMs = 6_000;
const leasePeriodMs = 1_500;
/** Events that wait when the process is to end are sent for this long. */
const drainMs = 2_000;
/** A reconciliation takes milliseconds; the store's calls have time-outs far below this. */
const wedgedAfterMs = 180_000;
/**
 * kubelet shows a changed Secret within 90 s, and a renewal (half of life, 10 % late at most) must come 60 s before that
 * much is gone: 0.4 × TTL ≥ 90 s + 60 s. A trust domain may know better than 90 s.
 */
const delivery = { minTtlMs: 375_000, minTtlReason: 'the shortest that kubelet shows to pods in time (it takes up to 90s)', marginMs: 60_000 };
/** About what an API server takes; a herd after an outage is spread over time by it. */
const issuancesPerSecond = 1_000;

/** One replica of the controller in a cluster: it reconciles and signs while it holds the Lease, and stands by otherwise. */
export class ClusterDaemon implements AsyncDisposable {
  readonly #config: ClusterConfig;
  readonly #log: Log;
  readonly #audit: Audit;
  readonly #store: KubernetesStore;
  readonly #leaseStore: KubernetesStore;
  readonly #events: ReturnType<typeof createEventRecorder>;
  readonly #metrics = new PrometheusMetrics();
  readonly #leadership: Leadership;
  readonly #reserved = new ReservedEnds();
  readonly #health: ReturnType<typeof healthServer>;
  #controllers: Controllers | undefined;
  #api: ServedApi | undefined;
  #synced = false;

  private constructor(config: ClusterConfig, log: Log, audit: AuditSettings) {
    this.#config = config;
    this.#log = log;
    const instance = `${hostname()}-${randomUUID().slice(0, 8)}`;
    this.#audit = new Audit(audit, { replica: hostname(), clock: systemClock, log, figures: auditMetrics(this.#metrics.registry) });
    const io = { log, random: Math.random, nowMs: () => systemClock.nowMs() };
    const reach = {
      ...(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }),
      ...(config.context === undefined ? {} : { context: config.context }),
      environment: process.env,
      fieldManager: 'mtlsd',
      ...io,
    };
    this.#store = openKubernetesStore(reach);
    // Its own connection and a short time-out: a renewal of the Lease never queues behind a herd of issuances.
    this.#leaseStore = openKubernetesStore({ ...reach, connections: 1, callTimeoutMs: 2 * leasePeriodMs });
    this.#events = createEventRecorder({ api: this.#store.api, instance, ...io });
    const anchor = new StoreAnchor(this.#store, config.namespace);
    this.#audit.secure(new StoreSecrets({ store: this.#store, clock: systemClock, tools, systemNamespace: config.namespace, audit: this.#audit, log }, anchor), anchor);
    this.#leadership = new Leadership({
      store: this.#leaseStore,
      clock: systemClock,
      now: () => ({ wallMs: Date.now(), monotonicMs: performance.now() }),
      log,
      identity: instance,
      namespace: config.namespace,
      leaseName,
      durationMs: leaseDurationMs,
      periodMs: leasePeriodMs,
    });
    this.#health = healthServer({
      wedged: () => this.#wedged(),
      notReady: () => this.#notReady(),
      metrics: async () => ({ contentType: this.#metrics.registry.contentType, text: await this.#metrics.registry.metrics() }),
    });
  }

  /** Opens the way to the API server and the probes. @throws CONFIGURATION_INVALID, ADDRESS_UNAVAILABLE */
  static async open(config: ClusterConfig, log: Log, audit: AuditSettings): Promise<ClusterDaemon> {
    const daemon = new ClusterDaemon(config, log, audit);
    try {
      if (config.metrics !== undefined) log.info(`probes and metrics on ${await listenAt(daemon.#health, config.metrics)}`);
      if (config.api !== undefined) await daemon.#serveApi(config.api);
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  /** Takes part in the election, and leads when it wins, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#leadership.run((ended) => this.#lead(ended), signal);
  }

  /** The reconcilers, while their lease holds: a replica that was paused shows nobody what has been overtaken meanwhile. */
  get #leading(): Controllers | undefined {
    return this.#leadership.leads ? this.#controllers : undefined;
  }

  /** In every replica: one that stands by says so to who wants a signature. */
  async #serveApi(config: ApiConfig): Promise<void> {
    this.#api = await openApi(config, { store: this.#store, clock: systemClock, log: this.#log, audit: this.#audit, figures: apiMetrics(this.#metrics.registry), accounts: ReviewedAccounts.over(this.#store, this.#log), rights: ReviewedRights.over(this.#store, systemClock, this.#log), families: apiFamilies({ ...place(this.#config.namespace), store: this.#store, clock: systemClock, controllers: () => this.#leading }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api?.[Symbol.asyncDispose]();
    // An API server that is away keeps nobody from ending: what is not told soon is not told.
    const patience = new AbortController();
    await Promise.race([this.#events.drained(), sleep(drainMs, undefined, { signal: patience.signal })]);
    patience.abort();
    await this.#audit[Symbol.asyncDispose]();
    await Promise.all([this.#events[Symbol.asyncDispose](), this.#health.close(), this.#store.close(), this.#leaseStore.close()]);
  }

  async #lead(ended: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    const controllers = await startControllers(this.#context());
    this.#controllers = controllers;
    this.#metrics.leading(true);
    void controllers.whenSynced().then(() => {
      this.#synced = true;
      this.#log.info('caches are filled: reconciling', { tookMs: Math.round(performance.now() - startedMs) });
    });
    returnMemoryAtRest(() => this.#synced && controllers.longestInFlightMs === 0, ended);
    if (!ended.aborted) await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
    this.#metrics.leading(false);
    await controllers.stop();
    this.#controllers = undefined;
    this.#synced = false;
  }

  #context(): ControllerContext {
    const { namespace, watchNamespaces, bundles, secretDelivery, podCertificates, podWarnings, rolloutRestart } = this.#config;
    return {
      store: this.#store,
      clock: systemClock,
      tools,
      reserved: this.#reserved,
      lease: new AuditedLease(this.#leadership, this.#audit),
      log: this.#log,
      events: this.#tellBoth(),
      audit: this.#audit,
      metrics: this.#metrics,
      delivery,
      cluster: { secretNamespaces: secretDelivery ? watchNamespaces : [], configMapBundles: bundles.configMaps, clusterTrustBundles: bundles.clusterTrustBundles, secretDelivery, podCertificates, podWarnings, rolloutRestart },
      fetchBundle: bundleFetcher(systemClock),
      servesBundles: this.#config.api !== undefined,
      servingIdentity: this.#config.api && identityServedWith(this.#config.api.serving),
      ...place(namespace),
      issuancesPerSecond,
    };
  }

  /** Events on the object for whoever looks at it, and the same in the log. */
  #tellBoth(): EventRecorder {
    return {
      record: (target, event) => {
        this.#events.record(target, event);
        const { namespace, name } = target.metadata;
        this.#log.debug(event.message, { object: `${target.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`, reason: event.reason });
      },
    };
  }

  #wedged(): string | undefined {
    const inFlightMs = this.#controllers?.longestInFlightMs ?? 0;
    return inFlightMs > wedgedAfterMs ? `a reconciliation has been in flight for ${Math.round(inFlightMs / 1000)}s` : undefined;
  }

  /** A replica that stands by is ready: it can take over at any time. */
  #notReady(): string | undefined {
    return this.#leadership.leads && !this.#synced ? 'caches are being filled' : undefined;
  }
}

/** Where authority records are. */
function place(namespace: string): Pick<ControllerContext, 'systemNamespace' | 'recordLocation'> {
  return { systemNamespace: namespace, recordLocation: (trustDomain) => `Secret ${namespace}/mtlsd-authorities-${trustDomain}` };
}
