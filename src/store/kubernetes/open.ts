import type { Log } from '../../telemetry/index.ts';
import { Api } from './api.ts';
import { Credentials, type CredentialSource } from './credentials.ts';
import { KubernetesStore } from './kubernetes-store.ts';
import type { WatchLimits } from './reflector.ts';
import { Transport } from './transport.ts';

/** How to reach an API server, and how to behave there. */
export interface KubernetesOptions extends CredentialSource {
  /** Owner of the fields that are written. */
  readonly fieldManager: string;
  readonly log: Log;
  /** Uniform in [0, 1): spreads retries. */
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Connections for calls, watches apart; default 16: as many as identities are reconciled at once, so that none waits for another's. */
  readonly connections?: number;
  /** Default 30 s. */
  readonly callTimeoutMs?: number;
  /** What differs from the defaults. */
  readonly watch?: Partial<WatchLimits>;
}

const watchDefaults: WatchLimits = {
  streamSecondsMin: 300,
  streamSecondsMax: 600,
  idleMs: 150_000,
  snapshotEveryMs: 30 * 60_000,
  backoff: { firstMs: 200, maxMs: 5000 },
  notServedMaxMs: 2000,
  lineBytesMax: 4 * 1024 * 1024,
  pageSize: 500,
};

/**
 * Opens a store on an API server. It need not be there yet: calls fail with STORE_UNAVAILABLE until it is, and watches wait.
 * @throws CONFIGURATION_INVALID when the kubeconfig cannot be used
 */
export function openKubernetesStore(options: KubernetesOptions): KubernetesStore {
  const { fieldManager, log, random, nowMs, connections = 16, callTimeoutMs = 30_000, watch = {} } = options;
  const transport = new Transport(new Credentials(options, nowMs, log), { connections, callTimeoutMs });
  return new KubernetesStore({
    api: new Api(transport, log),
    fieldManager,
    watchLimits: { ...watchDefaults, ...watch },
    log,
    random,
    nowMs,
    close: () => transport.close(),
  });
}
