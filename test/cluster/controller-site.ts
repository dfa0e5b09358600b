/** A test cluster with mtlsd's definitions and a user of its own for the controller, and what people do there. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { expect, vi } from 'vitest';
import { annotations } from '../../src/resources/index.ts';
import type { ApiAnswer } from './chart-api.ts';
import { startCluster, type Cluster, type StartOptions } from './cluster.ts';
import { writeKubeconfig } from './credentials.ts';
import { podKey, stubRequest } from './pod-requests.ts';
import { requestsOf, type AuditedRequest } from './rights-audit.ts';

const crdFolder = join(import.meta.dirname, '..', '..', 'crds');
const patience = { timeout: 20_000, interval: 50 };
/** What the API server knows the controller as. */
const controllerUser = 'system:serviceaccount:mtlsd-system:mtlsd';

/** Any object, as far as these tests look at it. */
export interface Live {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly type?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
    readonly [field: string]: unknown;
  };
}

export const paths = {
  identities: (namespace: string) => `/apis/mtlsd.io/v1alpha1/namespaces/${namespace}/workloadidentities`,
  identity: (namespace: string, name: string) => `/apis/mtlsd.io/v1alpha1/namespaces/${namespace}/workloadidentities/${name}`,
  trustDomain: (name: string) => `/apis/mtlsd.io/v1alpha1/trustdomains/${name}`,
  secrets: (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`,
  secret: (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`,
  record: (trustDomain: string) => `/api/v1/namespaces/mtlsd-system/secrets/mtlsd-authorities-${trustDomain}`,
  configMap: (namespace: string, trustDomain: string) => `/api/v1/namespaces/${namespace}/configmaps/mtlsd-bundle-${trustDomain}`,
  clusterTrustBundle: (trustDomain: string) => `/apis/certificates.k8s.io/v1/clustertrustbundles/mtlsd.io:x509-svid:${trustDomain}`,
  lease: '/apis/coordination.k8s.io/v1/namespaces/mtlsd-system/leases/mtlsd-controller',
} as const;

/** An answer of the API. */
export interface ApiSaid {
  readonly status: number;
  readonly body: unknown;
}

/** Manifests. */
export const trustDomain = (name: string, spec: object = {}): object => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name }, spec });
export const identity = (namespace: string, name: string, spec: object = {}): object => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace, name }, spec });
export const namespace = (name: string, labels: Readonly<Record<string, string>> = {}): object => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
export const serviceAccount = (namespace: string, name: string): object => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } });

/** Whether a condition of the object has this reason. */
export const says = (type: string, reason: string) => (object: Live): boolean => object.status?.conditions?.some((condition) => condition.type === type && condition.reason === reason) === true;
export const isReady = (object: Live): boolean => object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** The message of a condition. */
export function messageOf(object: Live, type: string): string {
  return object.status?.conditions?.find((condition) => condition.type === type)?.message ?? '';
}

/** The serial number in a Secret of ours. */
export function serialOf(secret: Live): string {
  return secret.metadata.annotations?.[annotations.serialNumber] ?? '';
}

/** A file of a Secret, as text. */
export function fileOf(secret: Live, name: string): string {
  return Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8');
}

export class Site implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly #agent: Agent;
  /** Of the controller: a service account with every right, so that the audit log tells it from people. */
  readonly kubeconfig: string;
  readonly folder: string;

  private constructor(cluster: Cluster, ca: string, folder: string) {
    this.cluster = cluster;
    this.#agent = new Agent({ connect: { ca } });
    this.folder = folder;
    this.kubeconfig = join(folder, 'kubeconfig');
  }

  /** @param definitions whether the CustomResourceDefinitions are there from the start */
  static async open(options: StartOptions = {}, definitions = true): Promise<Site> {
    const cluster = await startCluster({ audit: true, ...options });
    const site = new Site(cluster, await readFile(cluster.caFile, 'utf8'), await mkdtemp(join(tmpdir(), 'mtlsd-site-')));
    await site.apply(namespace('mtlsd-system'), serviceAccount('mtlsd-system', 'mtlsd'), administrator);
    await writeKubeconfig(site.kubeconfig, { server: cluster.server, caFile: cluster.caFile, token: await site.token('mtlsd') });
    if (definitions) await site.applyDefinitions();
    return site;
  }

  async kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await this.cluster.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async applyDefinitions(): Promise<void> {
    await this.kubectl(['apply', '-f', crdFolder]);
    await this.kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  }

  /** A namespace with a service account for each name. */
  async addNamespace(name: string, accounts: readonly string[], labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.apply(namespace(name, labels), ...accounts.map((account) => serviceAccount(name, account)));
  }

  /** Asks the API on a port for an SVID; it serves with that of an identity. */
  async requestSvid(port: number, place: string, name: string, token: string): Promise<ApiSaid> {
    return this.askApi(port, `${place}/${name}`, token, '/v1/svids/x509', { csr: stubRequest(podKey('ECDSAP256'), 'ECDSAP256') });
  }

  /** Asks the API on a port, which serves with the SVID of an identity: a GET, or with a body a POST. */
  async askApi(port: number, server: string, token: string, path: string, body?: object): Promise<ApiSaid> {
    const [place = '', name = ''] = server.split('/');
    const ca = fileOf(await this.see(paths.secret(place, `${name}-mtls`)), 'ca.crt');
    const agent = new Agent({ connect: { ca, servername: `${name}.${place}.svc` } });
    try {
      const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      const answer = await request(`https://127.0.0.1:${port}${path}`, { method: body === undefined ? 'GET' : 'POST', dispatcher: agent, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      return { status: answer.statusCode, body: await answer.body.json() };
    } finally {
      await agent.close();
    }
  }

  /** A token of a service account in mtlsd-system, for longer than any test takes. */
  async token(account: string): Promise<string> {
    return (await this.kubectl(['create', 'token', account, '--namespace', 'mtlsd-system', '--duration', '3h'])).trim();
  }

  /**
   * A kubeconfig of a service account that may do what the controller needs, but for some resources, and with Secrets of
   * some namespaces only.
   */
  async limitedKubeconfig(name: string, limits: { readonly without: readonly string[]; readonly secretsIn: readonly string[] }): Promise<string> {
    const rules = [
      { apiGroups: ['mtlsd.io'], resources: ['*'], verbs: ['*'] },
      { apiGroups: ['coordination.k8s.io', 'events.k8s.io', 'certificates.k8s.io'], resources: ['*'], verbs: ['*'] },
      { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: ['get'] },
      { apiGroups: [''], resources: ['namespaces', 'serviceaccounts', 'configmaps'].filter((resource) => !limits.without.includes(resource)), verbs: ['*'] },
    ];
    const group = 'rbac.authorization.k8s.io';
    const subjects = [{ kind: 'ServiceAccount', namespace: 'mtlsd-system', name }];
    await this.apply(
      serviceAccount('mtlsd-system', name),
      { apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
      { apiVersion: `${group}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: group, kind: 'ClusterRole', name }, subjects },
    );
    for (const place of limits.secretsIn) await this.grantSecrets(name, place);
    const file = join(this.folder, name);
    await writeKubeconfig(file, { server: this.cluster.server, caFile: this.cluster.caFile, token: await this.token(name) });
    return file;
  }

  /** Lets a service account of mtlsd-system do everything with the Secrets of one namespace. */
  async grantSecrets(name: string, place: string): Promise<void> {
    const group = 'rbac.authorization.k8s.io';
    await this.apply(
      { apiVersion: `${group}/v1`, kind: 'Role', metadata: { namespace: place, name }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }] },
      { apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata: { namespace: place, name }, roleRef: { apiGroup: group, kind: 'Role', name }, subjects: [{ kind: 'ServiceAccount', namespace: 'mtlsd-system', name }] },
    );
  }

  /** One request as the administrator. */
  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<ApiAnswer> {
    const headers = { authorization: `Bearer ${this.cluster.adminToken}`, accept: 'application/json', 'content-type': 'application/json' };
    const response = await request(`${this.cluster.server}${path}`, { method, headers, dispatcher: this.#agent, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const answer = (await response.body.json()) as { readonly kind?: string; readonly message?: string };
    return { code: response.statusCode, message: answer.kind === 'Status' ? (answer.message ?? '') : '', body: answer };
  }

  async get(path: string): Promise<Live | undefined> {
    const { code, body } = await this.send('GET', path);
    return code === 200 ? (body as Live) : undefined;
  }

  async list(path: string): Promise<readonly Live[]> {
    return ((await this.send('GET', path)).body as { items: readonly Live[] }).items;
  }

  /** Waits until an object is there and as wanted. */
  async see(path: string, wanted: (object: Live) => boolean = () => true, timeout = patience.timeout): Promise<Live> {
    return vi.waitFor(
      async () => {
        const object = await this.get(path);
        if (object === undefined || !wanted(object)) throw new Error(`${path} is not as wanted: ${JSON.stringify(object, undefined, 1)}`);
        return object;
      },
      { ...patience, timeout },
    );
  }

  async miss(path: string): Promise<void> {
    await vi.waitFor(async () => expect(await this.get(path)).toBeUndefined(), patience);
  }

  /** Replaces an object by what `change` makes of it, whoever else writes it. */
  async edit(path: string, change: (object: Live) => object): Promise<Live> {
    for (;;) {
      const { code, body, message } = await this.send('PUT', path, change(await this.see(path)));
      if (code === 200) return body as Live;
      if (code !== 409) throw new Error(`PUT ${path}: ${message}`);
    }
  }

  async remove(path: string): Promise<void> {
    await this.send('DELETE', path);
  }

  /** Events about an object, the oldest first. */
  async events(namespace: string, uid: string): Promise<readonly { readonly type: string; readonly reason: string; readonly note: string }[]> {
    const { body } = await this.send('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
    const { items } = body as { items: readonly { type: string; reason: string; note: string; eventTime: string; regarding: { uid: string } }[] };
    return items.filter(({ regarding }) => regarding.uid === uid).sort((a, b) => (a.eventTime < b.eventTime ? -1 : 1));
  }

  /**
   * Successful writes of the controller so far, in order: `update workloadidentities/status shop/web`. Leases, Events and what the audit log
   * needs (its key once, its head every half a minute) come when it is time for them, and are left out.
   */
  async writes(): Promise<readonly string[]> {
    const isCounted = ({ resource, name }: AuditedRequest): boolean => resource !== 'leases' && resource !== 'events' && name !== 'mtlsd-audit-heads' && name !== 'mtlsd-audit-key';
    const writing = (await this.#requests()).filter((request) => ['create', 'update', 'patch', 'delete'].includes(request.verb) && request.code < 300 && isCounted(request));
    return writing.map(({ verb, resource, namespace, name }) => `${verb} ${resource} ${namespace === '' ? '' : `${namespace}/`}${name}`);
  }

  async #requests(): Promise<readonly AuditedRequest[]> {
    return requestsOf(controllerUser, await readFile(this.cluster.auditLogPath ?? '', 'utf8'));
  }

  /** The writes that `act` leads to. */
  async writesDuring(act: () => Promise<unknown>): Promise<readonly string[]> {
    const before = (await this.#writesAtRest()).length;
    await act();
    return (await this.#writesAtRest()).slice(before);
  }

  /** All writes, once none comes any more: the API server writes a request down a while after it has answered it. */
  async #writesAtRest(): Promise<readonly string[]> {
    let known = -1;
    return vi.waitFor(
      async () => {
        const writes = await this.writes();
        const calm = writes.length === known;
        known = writes.length;
        if (!calm) throw new Error('writes go on');
        return writes;
      },
      { timeout: 20_000, interval: 400 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
    await this.cluster.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const administrator = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'mtlsd-test' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'ServiceAccount', namespace: 'mtlsd-system', name: 'mtlsd' }],
};
