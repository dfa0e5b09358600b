import { readFileSync, statSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { MtlsdError } from '../../errors/index.ts';
import type { Log } from '../../telemetry/index.ts';

/** Where the API server and the credentials come from. Nothing given: as kubectl finds them, then the service account. */
export interface CredentialSource {
  /** Path of a kubeconfig file. */
  readonly kubeconfig?: string;
  /** A context of it; default: its current one. */
  readonly context?: string;
  /** The service account of the pod. */
  readonly inCluster?: boolean;
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
  readonly config: KubeConfig;
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
      if (this.#access === undefined || changed || this.#loaded.renewsItself) this.#adopt(await resolveAccess(this.#loaded.config));
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
  const config = new KubeConfig();
  try {
    read(config, source);
  } catch (cause) {
    throw invalid(source, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (source.context !== undefined) {
    if (config.getContextObject(source.context) === null) throw invalid(source, `it has no context "${source.context}"; it has ${config.getContexts().map(({ name }) => `"${name}"`).join(', ')}`);
    config.setCurrentContext(source.context);
  }
  if (config.getCurrentCluster() === null) throw invalid(source, `its context "${config.getCurrentContext()}" names no cluster that it has`);
  const files = filesOf(config, source);
  const provider = providerOf(config);
  const renewsItself = Boolean(config.getCurrentUser()?.exec) || (provider !== undefined && provider.name !== 'tokenFile');
  return { config, files, fingerprint: fingerprint(files), renewsItself };
}

function read(config: KubeConfig, source: CredentialSource): void {
  if (source.inCluster === true) return config.loadFromCluster();
  if (source.kubeconfig === undefined) return readDefault(config);
  config.loadFromFile(source.kubeconfig);
  adoptTokenFiles(config, source.kubeconfig);
}

function readDefault(config: KubeConfig): void {
  config.loadFromDefault();
  // The library's last resort, an API server without TLS on this machine, is nobody's wish.
  if (config.getCurrentCluster()?.server === 'http://localhost:8080') throw new Error('there is neither a kubeconfig nor a service account');
}

/** `tokenFile` of a user, which the library does not know under its name: the token is read when the file changes. */
function adoptTokenFiles(config: KubeConfig, path: string): void {
  const document = parse(readFileSync(path, 'utf8')) as { readonly users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: unknown } }[] } | null;
  const tokenFiles = new Map((document?.users ?? []).map(({ name, user }) => [name, user?.tokenFile]));
  config.users = config.users.map((user) => {
    const tokenFile = tokenFiles.get(user.name);
    if (typeof tokenFile !== 'string') return user;
    const { token: _older, ...others } = user;
    return { ...others, authProvider: { name: 'tokenFile', config: { tokenFile: resolve(dirname(path), tokenFile) } } };
  });
}

interface AuthProvider {
  readonly name?: string;
  readonly config?: { readonly tokenFile?: string };
}

function providerOf(config: KubeConfig): AuthProvider | undefined {
  const user = config.getCurrentUser() as { readonly authProvider?: AuthProvider } | null;
  return user?.authProvider;
}

function filesOf(config: KubeConfig, source: CredentialSource): readonly string[] {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const files = [source.kubeconfig, cluster?.caFile, user?.certFile, user?.keyFile, providerOf(config)?.config?.tokenFile];
  return files.filter((file): file is string => file !== undefined && file !== '');
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

async function resolveAccess(config: KubeConfig): Promise<Access> {
  const cluster = config.getCurrentCluster();
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers = Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()]));
  const basic = typeof options.auth === 'string' ? { Authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {};
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const tls = Object.fromEntries(Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined));
  return {
    server: (cluster?.server ?? '').replace(/\/+$/u, ''),
    tls,
    headers: { ...basic, ...headers },
    proxyUrl: cluster?.proxyUrl,
  };
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
