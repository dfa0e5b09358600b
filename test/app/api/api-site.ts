/** The HTTPS API over the real reconcilers on the memory store, asked without a socket. */
import { randomBytes, randomUUID } from 'node:crypto';
import { ReviewedAccounts } from '../../../src/app/api/account-tokens.ts';
import { serveApi, type ApiListenerOptions } from '../../../src/app/api/api-listener.ts';
import { ApiCallers, type ExternalIssuer } from '../../../src/app/api/callers.ts';
import { readApiConfiguration } from '../../../src/app/api/config.ts';
import { apiFamilies } from '../../../src/app/api/families.ts';
import { ReviewedRights, type ReviewAccess } from '../../../src/app/api/reviewed-rights.ts';
import { systemClock } from '../../../src/app/clock.ts';
import type { AuditRecord } from '../../../src/audit/index.ts';
import { activeAuthority, decodeRecord, reservedMs } from '../../../src/authority/index.ts';
import { ProcessLease, ReservedEnds, startControllers, type ControllerContext, type Controllers } from '../../../src/controllers/index.ts';
import { apiServer } from '../../../src/server/index.ts';
import { parseTrustDomainName } from '../../../src/spiffe/index.ts';
import type { TokenReview } from '../../../src/store/kubernetes/index.ts';
import { MemoryStore } from '../../../src/store/memory/index.ts';
import { keysFor, readKeySet } from '../../../src/tokens/index.ts';
import type { Clock } from '../../../src/telemetry/index.ts';
import { generateKeyPair } from '../../../src/x509/index.ts';
import { signingKey, token as makeToken, unsignedToken } from '../../tokens/tokens.ts';

export const ciIssuer = 'https://ci.example';
export const otherIssuer = 'https://elsewhere.example';
const key = signingKey('ES256', 'one');
/** Tests ask faster than people. */
const limits = { perCaller: 10_000, perAddress: 100_000 };
const nothing = (): void => undefined;

const configuration = `apiVersion: mtlsd.io/v1alpha1
kind: ApiConfiguration
issuers:
  - { issuer: ${ciIssuer}, keySetFile: keys }
  - { issuer: ${otherIssuer}, keySetFile: keys }
rules:
  - { name: ci, issuer: ${ciIssuer}, audiences: [mtlsd], maxLifetime: 1h }
  - { name: elsewhere, issuer: ${otherIssuer}, audiences: [mtlsd] }
callers:
  - { name: ci, rules: ci, trustDomain: shop.example, path: [owner, repository_id] }
  - { name: elsewhere, rules: elsewhere, trustDomain: other.example, path: [/deep/name] }
`;

/** A token of a configured issuer. */
export function externalToken(part: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return makeToken(key, { iss: ciIssuer, sub: 'jane@example.org', aud: 'mtlsd', iat: now, exp: now + 300, owner: 'acme', repository_id: 1234, ...part });
}

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export class ApiSite implements AsyncDisposable {
  readonly store: MemoryStore;
  readonly controllers: Controllers;
  readonly server: Awaited<ReturnType<typeof apiServer>>;
  readonly records: readonly AuditRecord[];
  /** What it logged. */
  readonly told: readonly string[];
  /** Whether this replica leads. */
  leads = true;
  /** What service accounts may do besides; nothing by default. */
  mayDo: ReviewAccess = async () => false;
  readonly #reviews = new Map<string, TokenReview>();

  /** Serves it on a port of its own, with the SVID of an identity. */
  readonly serve: (namespace: string, name: string, patience?: { readonly requestMs: number; readonly checkMs: number }) => ReturnType<typeof serveApi>;

  /** Serves it wherever, with whatever. */
  readonly serveWith: (options: Pick<ApiListenerOptions, 'listen' | 'serving' | 'patience'>) => ReturnType<typeof serveApi>;

  private constructor({ store, controllers, server, records, told, serve, serveWith }: Pick<ApiSite, 'store' | 'controllers' | 'server' | 'records' | 'told' | 'serve' | 'serveWith'>) {
    this.store = store;
    this.controllers = controllers;
    this.server = server;
    this.records = records;
    this.told = told;
    this.serve = serve;
    this.serveWith = serveWith;
  }

  /** Trust domains shop.example (the default) and other.example, service account shop/cart with its identity, at rest. @param ground what it signs by, and records to besides `records` */
  static async start(spec: object = {}, clock: Clock = systemClock, ground: Partial<Pick<ControllerContext, 'lease' | 'audit'>> = {}): Promise<ApiSite> {
    const store = new MemoryStore({ nowMs: () => clock.nowMs(), uid: () => randomUUID() });
    const records: AuditRecord[] = [];
    const told: string[] = [];
    const tell = (message: string, fields?: object): void => void told.push(JSON.stringify([message, fields]));
    const log = { debug: tell, info: tell, warn: tell, error: tell };
    const audit = { record: (record: AuditRecord) => (records.push(record), ground.audit?.record(record)) };
    for (const namespace of ['shop', 'bank', 'mtlsd-system']) store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'shop.example' }, spec: { default: true, ...spec } });
    store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'other.example' }, spec: {} });
    for (const [namespace, name] of [['shop', 'cart'], ['shop', 'edge'], ['shop', 'idle'], ['bank', 'till'], ['shop', 'keeper'], ['mtlsd-system', 'auditor']] as const) store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } });
    store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'cart' }, spec: { dnsNames: ['cart.shop.svc'] } });
    store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'bank', name: 'till' }, spec: {} });
    const controllers = await startControllers({
      store,
      clock,
      tools: { generateKeyPair, randomBytes: (length) => randomBytes(length) },
      reserved: new ReservedEnds(),
      lease: ground.lease ?? new ProcessLease(),
      log,
      events: { record: nothing },
      audit,
      metrics: { issued: nothing, reconciled: nothing, storeInterrupted: nothing, queueDepth: nothing },
      delivery: { minTtlMs: 60_000, minTtlReason: 'the shortest' },
      cluster: { secretNamespaces: undefined, configMapBundles: false, clusterTrustBundles: false },
      systemNamespace: 'mtlsd-system',
      recordLocation: (name) => `the record of ${name}`,
      issuancesPerSecond: 1_000,
    });
    await controllers.whenIdle();
    // What is told to whom asks is looked up when it is asked: the site is made last.
    const parts: { site?: ApiSite } = {};
    const accounts = new ReviewedAccounts(async (token) => parts.site?.review(token) ?? { authenticated: false }, store, log);
    const families = apiFamilies({ store, clock, systemNamespace: 'mtlsd-system', recordLocation: (name) => `the record of ${name}`, controllers: () => (parts.site?.leads === true ? controllers : undefined) });
    const callers = new ApiCallers(externalIssuers(), accounts, clock, log);
    const rights = new ReviewedRights(async (user, access) => parts.site?.mayDo(user, access) ?? false, clock, log);
    const server = await apiServer({ callers, rights, audit, log, newRequestId: randomUUID, limits }, families);
    const serveWith: ApiSite['serveWith'] = async (options) => serveApi({ ...options, store, clock, log, audit, callers, rights }, families);
    const serve: ApiSite['serve'] = async (namespace, name, patience) =>
      serveWith({ listen: { host: '127.0.0.1', port: 0 }, serving: { kind: 'identity', namespace, name }, ...(patience === undefined ? {} : { patience }) });
    const site = new ApiSite({ store, controllers, server, records, told, serve, serveWith });
    parts.site = site;
    return site;
  }

  review(token: string): TokenReview | undefined {
    return this.#reviews.get(token);
  }

  /** A token of a service account, as the API server would judge it. */
  accountToken(namespace: string, name: string, { audience = 'mtlsd', authenticated = true, pod }: { readonly audience?: string; readonly authenticated?: boolean; readonly pod?: { readonly name: string; readonly uid: string } } = {}): string {
    const token = unsignedToken({ alg: 'RS256' }, { iss: 'https://kubernetes.default.svc', aud: [audience], jti: randomUUID() });
    const uid = this.store.peek({ kind: 'ServiceAccount', namespace, name })?.metadata.uid ?? randomUUID();
    const extra = pod === undefined ? {} : { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] };
    this.#reviews.set(token, authenticated ? { authenticated, username: `system:serviceaccount:${namespace}:${name}`, uid, audiences: [audience], extra } : { authenticated });
    return token;
  }

  /** Asks for a certificate, or whatever else is named. */
  async ask(token: string | undefined, body: object | undefined, { method = 'POST', url = '/v1/svids/x509', headers = {} }: { readonly method?: 'GET' | 'POST'; readonly url?: string; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Answer> {
    const answer = await this.server.inject({ method, url, headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }, ...(body === undefined ? {} : { payload: body }) });
    return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
  }

  /** Until when leaves that left by requests may live, as the record says, milliseconds since the epoch. */
  reservedMs(trustDomain = 'shop.example'): number | undefined {
    const secret = this.store.peek({ kind: 'Secret', namespace: 'mtlsd-system', name: `mtlsd-authorities-${trustDomain}` });
    const record = decodeRecord(secret?.data ?? {}, parseTrustDomainName(trustDomain), 'the store');
    return reservedMs(activeAuthority(record, 'Issuing'), 'csr');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.controllers.stop();
  }
}

function externalIssuers(): ReadonlyMap<string, ExternalIssuer> {
  const { callers, rules } = readApiConfiguration(configuration, 'api.yaml');
  const { keys } = readKeySet(JSON.stringify({ keys: [key.jwk] })) ?? { keys: [] };
  return new Map(
    callers.map((entry) => {
      const rule = rules.find(({ name }) => name === entry.rules);
      if (rule === undefined) throw new Error(`no rules ${entry.rules}`);
      return [rule.issuer, { entry, issuer: { rules: rule, keys: { find: (wanted) => ({ kind: 'found', keys: keysFor(keys, wanted) }) } } }];
    }),
  );
}
