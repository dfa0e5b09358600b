import type { AuditLog } from '../audit/index.ts';
import type { AuthorityTools, SigningLease } from '../authority/index.ts';
import type { FetchBundle } from './federation/fetch.ts';
import type { CallPod } from './reload/call-pod.ts';
import type { Handshake } from './ca-rotation/handshake.ts';
import type { ReservedEnds } from './reserved-ends.ts';
import type { Store } from '../store/port.ts';
import type { Clock, EventRecorder, Log, Metrics } from '../telemetry/index.ts';

/** What a delivery means for TTLs: how late its consumers see a change. */
export interface DeliveryLimits {
  /** The shortest TTL that can be kept fresh, milliseconds. */
  readonly minTtlMs: number;
  /** Why, completing "shorter than 60s, …". */
  readonly minTtlReason: string;
  /**
   * What is added to a trust domain's own `propagationBound`, so that a renewal is seen in time: a bound that says less than
   * the usual allows a shorter TTL. Milliseconds; left out: the floor is always the same.
   */
  readonly marginMs?: number;
}

/** What of a cluster is used, besides namespaces and service accounts. */
export interface ClusterFeatures {
  /** Namespaces in which mtlsd may read and write Secrets; undefined: all. */
  readonly secretNamespaces: readonly string[] | undefined;
  /** Whether bundles are written to ConfigMaps of the namespaces that a trust domain selects. */
  readonly configMapBundles: boolean;
  /** Whether each trust domain gets a ClusterTrustBundle, where the API server serves them. */
  readonly clusterTrustBundles: boolean;
  /** Whether identities are delivered as Secrets. Left out: they are. */
  readonly secretDelivery?: boolean;
  /** Whether mtlsd signs pod certificates, where the API server serves their requests. Left out: it does not. */
  readonly podCertificates?: boolean;
  /** Whether pods are looked at, and told what keeps them from their identity. Left out: they are not. */
  readonly podWarnings?: boolean;
  /** Whether workloads may be restarted whose identities ask for it. Left out: they are not. */
  readonly rolloutRestart?: boolean;
}

/** What a file holds, with a version that is another one after each change; or why it cannot be used, for people. */
export type FileReading = { readonly bytes: Uint8Array; readonly version: string } | { readonly problem: string };

/** Everything that reconcilers get from outside: the world (store), time, randomness, and where to tell what they do. */
export interface ControllerContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly tools: AuthorityTools;
  readonly lease: SigningLease;
  /** What this process knows to be reserved: the same from one start of the controllers to the next. */
  readonly reserved: ReservedEnds;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly audit: AuditLog;
  readonly metrics: Metrics;
  readonly delivery: DeliveryLimits;
  /** What the store has that only a cluster has; undefined where it is none. */
  readonly cluster: ClusterFeatures | undefined;
  /** Reads a file below the folder of manifests, by its path there; undefined where there is no such folder. */
  readonly readPasswordFile?: (path: string) => Promise<FileReading>;
  /** The identity, `namespace/name`, that the API of this process serves with; undefined where it serves with another certificate, or none. */
  readonly servingIdentity?: string | undefined;
  /** Asks servers for the bundles of other trust domains; left out: nobody is asked. */
  readonly fetchBundle?: FetchBundle;
  /** Whether our bundles are served to whoever fetches them. Left out: they are not. */
  readonly servesBundles?: boolean;
  /** How canaries of a rotation shake hands; left out: by TLS over the loopback interface. */
  readonly handshake?: Handshake;
  /** How pods are told of changed files; left out: by HTTP. */
  readonly callPod?: CallPod;
  /** mtlsd's own namespace: where authority records live. */
  readonly systemNamespace: string;
  /** Where the authority record of a trust domain is, as its operator knows it: a file or a Secret. */
  recordLocation(trustDomain: string): string;
  /** How many certificates may be issued a second, over all identities: what smooths herds (L22). */
  readonly issuancesPerSecond: number;
}
