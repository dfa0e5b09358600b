import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { Cluster, Context, User } from '@kubernetes/client-node';
import { parse, YAMLParseError } from 'yaml';

/**
 * Kubeconfig files and the service account of a pod, read into what a connection needs: where, whom to trust, as whom. Of the
 * client library only the types are used here: loading it takes half a second and eighty megabytes, so that it is
 * loaded by whoever has an exec plugin or another provider of credentials, and by nobody else.
 */

/** A user of a kubeconfig; a `tokenFile` is read anew when it changes. */
export type KubeconfigUser = User & { readonly tokenFile?: string };

/** What kubeconfig files say. Paths of files are resolved against the folder of the file that names them. */
export interface Kubeconfig {
  readonly clusters: readonly Cluster[];
  readonly users: readonly KubeconfigUser[];
  readonly contexts: readonly Context[];
  readonly currentContext: string | undefined;
  /** The files that it was read from. */
  readonly files: readonly string[];
}

/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Reads one file. @throws Error that says what is wrong with it */
export function readKubeconfig(path: string): Kubeconfig {
  const document = documentIn(path);
  const folder = dirname(path);
  const current = document['current-context'];
  return {
    clusters: entries(document, 'clusters').map((entry, index) => cluster(entry, index, folder)),
    users: entries(document, 'users').map((entry, index) => user(entry, index, folder)),
    contexts: entries(document, 'contexts').map(context),
    currentContext: typeof current === 'string' && current !== '' ? current : undefined,
    files: [path],
  };
}

/** What a file says. @throws Error that says what is wrong with it, without a line of it: a kubeconfig holds secrets */
function documentIn(path: string): JsonRecord {
  let document: unknown;
  try {
    document = parse(readFileSync(path, 'utf8'), { prettyErrors: false });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error('there is no such file: check the path', { cause });
    if (code === 'EISDIR') throw new Error('it is a folder: name a file in it', { cause });
    if (code === 'EACCES') throw new Error('your user lacks the right to read it', { cause });
    throw new Error(cause instanceof YAMLParseError ? `it is no well-formed YAML (${message})` : message, { cause });
  }
  if (!isRecord(document)) throw new Error('it is no kubeconfig');
  return document;
}

/**
 * As kubectl finds it: the files that KUBECONFIG names (of two things of one name the first counts, files that are not there
 * are passed over), then ~/.kube/config, then the service account of the pod. @throws Error when there is nothing
 */
export function defaultKubeconfig(environment: Environment): Kubeconfig {
  const named = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  const home = environment['HOME'];
  const candidates = named.length > 0 ? named : home === undefined ? [] : [join(home, '.kube', 'config')];
  const present = candidates.filter((path) => existsSync(path));
  if (present.length > 0) return present.map(readKubeconfig).reduce(merged);
  if (named.length > 0) throw new Error(`there is no file ${named.join(', ')}, which KUBECONFIG names`);
  if (existsSync(join(serviceAccountFolder, 'token'))) return podKubeconfig(environment, serviceAccountFolder);
  throw new Error('there is neither a kubeconfig (KUBECONFIG, ~/.kube/config) nor the service account of a pod: name one by --kubeconfig, or a folder of mtlsd run by --out where the command has that option');
}

/** The service account of the pod. @throws Error outside of a cluster */
export function podKubeconfig(environment: Environment, folder = serviceAccountFolder): Kubeconfig {
  const [host, port] = [environment['KUBERNETES_SERVICE_HOST'], environment['KUBERNETES_SERVICE_PORT']];
  if (host === undefined || port === undefined) throw new Error('KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod');
  const name = 'pod';
  return {
    clusters: [{ name, server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`, caFile: join(folder, 'ca.crt'), skipTLSVerify: false }],
    users: [{ name, tokenFile: join(folder, 'token') }],
    contexts: [{ name, cluster: name, user: name }],
    currentContext: name,
    files: [],
  };
}

function merged(a: Kubeconfig, b: Kubeconfig): Kubeconfig {
  const both = <T extends { readonly name: string }>(first: readonly T[], second: readonly T[]): readonly T[] => [...first, ...second.filter(({ name }) => first.every((known) => known.name !== name))];
  return {
    clusters: both(a.clusters, b.clusters),
    users: both(a.users, b.users),
    contexts: both(a.contexts, b.contexts),
    currentContext: a.currentContext ?? b.currentContext,
    files: [...a.files, ...b.files],
  };
}

type JsonRecord = Readonly<Record<string, unknown>>;

function entries(document: JsonRecord, list: string): readonly JsonRecord[] {
  const found = document[list] ?? [];
  if (!Array.isArray(found) || !found.every(isRecord)) throw new Error(`${list} is no list of objects`);
  return found;
}

/** The name of an entry, and what stands under its key. */
function named(entry: JsonRecord, list: string, index: number, key: string): { readonly name: string; readonly fields: JsonRecord } {
  const { name } = entry;
  if (typeof name !== 'string' || name === '') throw new Error(`${list}[${index}].name is missing`);
  const fields = entry[key] ?? {};
  if (!isRecord(fields)) throw new Error(`${list}[${index}].${key} is no object`);
  return { name, fields };
}

function cluster(entry: JsonRecord, index: number, folder: string): Cluster {
  const { name, fields } = named(entry, 'clusters', index, 'cluster');
  const server = text(fields, 'server');
  if (server === undefined) throw new Error(`clusters[${index}].cluster.server is missing`);
  return present<Cluster>({
    name,
    server,
    caData: text(fields, 'certificate-authority-data'),
    caFile: file(fields, 'certificate-authority', folder),
    skipTLSVerify: fields['insecure-skip-tls-verify'] === true,
    tlsServerName: text(fields, 'tls-server-name'),
    proxyUrl: text(fields, 'proxy-url'),
  });
}

function user(entry: JsonRecord, index: number, folder: string): KubeconfigUser {
  const { name, fields } = named(entry, 'users', index, 'user');
  return present<KubeconfigUser>({
    name,
    certData: text(fields, 'client-certificate-data'),
    certFile: file(fields, 'client-certificate', folder),
    keyData: text(fields, 'client-key-data'),
    keyFile: file(fields, 'client-key', folder),
    token: text(fields, 'token'),
    tokenFile: file(fields, 'tokenFile', folder),
    username: text(fields, 'username'),
    password: text(fields, 'password'),
    impersonateUser: text(fields, 'as'),
    exec: fields['exec'] ?? undefined,
    authProvider: fields['auth-provider'] ?? undefined,
  });
}

function context(entry: JsonRecord, index: number): Context {
  const { name, fields } = named(entry, 'contexts', index, 'context');
  const cluster = text(fields, 'cluster');
  if (cluster === undefined) throw new Error(`contexts[${index}].context.cluster is missing`);
  return { name, cluster, user: text(fields, 'user') ?? '' };
}

function text(fields: JsonRecord, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function file(fields: JsonRecord, name: string, folder: string): string | undefined {
  const path = text(fields, name);
  return path === undefined || isAbsolute(path) ? path : join(folder, path);
}

/** Without the fields that are undefined. */
function present<T>(fields: { readonly [F in keyof T]: T[F] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
