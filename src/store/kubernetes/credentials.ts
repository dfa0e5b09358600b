import { readFileSync, statSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { Cluster, KubeConfig } from '@kubernetes/client-node';
import { MtlsdError } from '../../errors/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { defaultKubeconfig, podKubeconfig, readKubeconfig, type Environment, type Kubeconfig, type KubeconfigUser } from './kubeconfig.ts';

/** Where the API server and the credentials come from. Nothing given: as kubectl finds them, then the service account. */
export interface CredentialSource {
  /** Path of a kubeconfig file. */
  readonly kubeconfig?: string;
  /** A context of it; default: its current one. */
  readonly context?: string;
  /** The service account of the pod. */
  readonly inCluster?: boolean;
  /** Where kubectl would look it up: KUBECONFIG, HOME, and what a pod is told of its API server. */
  readonly environment?: Environment;
}

/** TLS settings of a connection, as node:tls takes them. */
export type TlsSettings = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;

/** All that a request needs to reach the API server and be known there. */
export interface Access {
  readonly server: string;
  readonly tls: TlsSettings;
  /** Authorization and impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly proxyUrl: string | undefined;
}

interface Loaded {
  readonly resolve: () => Promise<Access>;
  /** Files that the access depends on. */
  readonly files: readonly string[];
  readonly fingerprint: string;
  /** Exec plugins and OIDC make new credentials by themselves. */
  readonly renewsItself: boolean;
}

/** There are no credentials yet: a plugin failed, a file is missing. Asking again may help. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';

  constructor(cause: unknown) {
    super(`no credentials: ${cause instanceof Error ? cause.message.trim() : String(cause)}`, { cause });
  }
}

/** Files are looked at this often, when there is traffic: a rotated token is in use a second later. */
const lookEveryMs = 1000;

/**
 * The access to the API server, kept current: when a file that it depends on changes (kubeconfig, token, certificate, key,
 * certificate authority) all is read anew; a file that cannot be read meanwhile leaves the last good access in place.
 */
export class Credentials {
  readonly #source: CredentialSource;
  readonly #nowMs: () => number;
  readonly #log: Log;
  #loaded: Loaded;
  #access: Access | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<Access> | undefined;
  #complained = '';

  /** Reads the configuration. @throws CONFIGURATION_INVALID */
  constructor(source: CredentialSource, nowMs: () => number, log: Log) {
    this.#source = source;
    this.#nowMs = nowMs;
    this.#log = log;
    this.#loaded = load(source);
  }

  /** The access as it is now. The same value as before unless something changed. @throws CredentialsError */
  async current(): Promise<Access> {
    const fresh = this.#access !== undefined && this.#nowMs() - this.#lookedAtMs < lookEveryMs;
    if (fresh && this.#access !== undefined) return this.#access;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** The server refused the access `used`: look for another one now. True when there is one to try. */
  async renew(used: Access): Promise<boolean> {
    if (this.#access === used) {
      this.#lookedAtMs = Number.NEGATIVE_INFINITY;
      // A plugin's answer is kept until it says that it expires: ask anew.
      if (this.#loaded.renewsItself) this.#loaded = { ...this.#loaded, fingerprint: 'refused' };
    }
    return (await this.current()) !== used;
  }

  async #refresh(): Promise<Access> {
    this.#lookedAtMs = this.#nowMs();
    try {
      const changed = fingerprint(this.#loaded.files) !== this.#loaded.fingerprint;
      if (changed) this.#loaded = load(this.#source);
      if (this.#access === undefined || changed || this.#loaded.renewsItself) this.#adopt(await this.#loaded.resolve());
      this.#complained = '';
    } catch (error) {
      if (this.#access === undefined) throw new CredentialsError(error);
      this.#complain(error);
    }
    if (this.#access === undefined) throw new Error('an access was just resolved');
    return this.#access;
  }

  #adopt(next: Access): void {
    if (this.#access !== undefined && sameAccess(this.#access, next)) return;
    this.#access = next;
  }

  /** Once for each new reason. */
  #complain(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#complained) return;
    this.#complained = message;
    this.#log.warn('changed credentials cannot be read: the last good ones stay in use', { error: message });
  }
}

function load(source: CredentialSource): Loaded {
  const kubeconfig = read(source);
  const name = source.context ?? kubeconfig.currentContext;
  if (name === undefined) throw invalid(source, 'it has no current-context');
  const context = kubeconfig.contexts.find((context) => context.name === name);
  if (context === undefined) throw invalid(source, `it has no context "${name}"; it has ${kubeconfig.contexts.map(({ name }) => `"${name}"`).join(', ') || 'none'}`);
  const cluster = kubeconfig.clusters.find(({ name }) => name === context.cluster);
  if (cluster === undefined) throw invalid(source, `its context "${name}" names no cluster that it has`);
  const user = kubeconfig.users.find(({ name }) => name === context.user);
  const files = [...kubeconfig.files, cluster.caFile, user?.certFile, user?.keyFile, user?.tokenFile].filter((file) => file !== undefined);
  const renewsItself = isSet(user?.exec) || isSet(user?.authProvider);
  const resolve = user !== undefined && renewsItself ? pluginAccess(cluster, user) : async () => fileAccess(cluster, user);
  return { resolve, files, fingerprint: fingerprint(files), renewsItself };
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function read(source: CredentialSource): Kubeconfig {
  const { environment = {} } = source;
  try {
    if (source.inCluster === true) return podKubeconfig(environment);
    return source.kubeconfig === undefined ? defaultKubeconfig(environment) : readKubeconfig(source.kubeconfig);
  } catch (cause) {
    throw invalid(source, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Changes whenever a file is written or replaced, the symlink swap of a mounted Secret included. */
function fingerprint(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? 'absent' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    })
    .join('\n');
}

/** What files and the kubeconfig itself say. */
function fileAccess(cluster: Cluster, user: KubeconfigUser | undefined): Access {
  const token = user?.tokenFile === undefined ? user?.token : readFileSync(user.tokenFile, 'utf8').trim();
  const authorization = token === undefined ? basicOf(user) : `Bearer ${token}`;
  return access(cluster, {
    ...(user === undefined ? {} : tlsOf({ cert: contents(user.certFile, user.certData), key: contents(user.keyFile, user.keyData) })),
    headers: {
      ...(authorization === undefined ? {} : { Authorization: authorization }),
      ...(user?.impersonateUser === undefined ? {} : { 'Impersonate-User': user.impersonateUser }),
    },
  });
}

function basicOf({ username, password = '' }: Pick<KubeconfigUser, 'username' | 'password'> = {}): string | undefined {
  if (username === undefined) return undefined;
  const pair = Buffer.from([username, password].join(':'));
  return `Basic ${pair.toString('base64')}`;
}

/** What an exec plugin or another provider says. The library keeps its answer for as long as that is good. */
function pluginAccess(cluster: Cluster, user: KubeconfigUser): () => Promise<Access> {
  let config: KubeConfig | undefined;
  return async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    if (config === undefined) {
      config = new KubeConfig();
      config.loadFromClusterAndUser(cluster, user);
    }
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const basic = typeof options.auth === 'string' ? { Authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {};
    const headers = Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()]));
    return access(cluster, { ...tlsOf({ cert: options.cert, key: options.key }), headers: { ...basic, ...headers } });
  };
}

function access(cluster: Cluster, { headers, ...own }: TlsSettings & Pick<Access, 'headers'>): Access {
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify) throw new Error('its server is http: without insecure-skip-tls-verify');
  return {
    server: cluster.server.replace(/\/+$/u, ''),
    tls: { ...own, ...tlsOf({ ca: contents(cluster.caFile, cluster.caData), servername: cluster.tlsServerName, rejectUnauthorized: cluster.skipTLSVerify ? false : undefined }) },
    headers,
    proxyUrl: cluster.proxyUrl,
  };
}

/** What there is of these settings. */
function tlsOf(settings: { readonly [S in keyof TlsSettings]: TlsSettings[S] | undefined }): TlsSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function contents(file: string | undefined, base64: string | undefined): Buffer | undefined {
  if (file !== undefined) return readFileSync(file);
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

function sameAccess(a: Access, b: Access): boolean {
  return accessText(a) === accessText(b);
}

/** What distinguishes two sets of TLS settings. */
export function tlsText(tls: TlsSettings): string {
  return JSON.stringify([tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized].map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : value)));
}

function accessText(access: Access): string {
  return JSON.stringify([access.server, access.proxyUrl, access.headers, tlsText(access.tls)]);
}

function invalid(source: CredentialSource, why: string, cause?: unknown): MtlsdError<'CONFIGURATION_INVALID'> {
  const what = source.kubeconfig === undefined ? 'The access to the API server' : `The kubeconfig ${source.kubeconfig}`;
  return new MtlsdError('CONFIGURATION_INVALID', `${what} cannot be used: ${why}.`, {
    details: { option: source.inCluster === true ? 'in-cluster' : 'kubeconfig' },
    ...(cause === undefined ? {} : { cause }),
  });
}
