import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ReviewedAccounts } from '../../src/app/api/account-tokens.ts';
import { serveApi } from '../../src/app/api/api-listener.ts';
import { ApiCallers } from '../../src/app/api/callers.ts';
import { svidFamilies } from '../../src/app/api/svids.ts';
import { systemClock } from '../../src/app/clock.ts';
import type { RouteFamily } from '../../src/server/index.ts';
import { keysFor, readKeySet } from '../../src/tokens/index.ts';
import { ApiSite } from '../app/api/api-site.ts';
import { until } from '../standalone/wait.ts';
import { signingKey, token as makeToken, unsignedToken } from '../tokens/tokens.ts';
import { serveGateway } from './gateway-site.ts';
import type { Load } from './https-load.ts';
import type { Measurement } from './measurement.ts';

const requests = 4_000;
/** As many as the compilers of the runtime need to be done: a server is up for days. */
const warmUp = 6_000;
const issuer = 'https://ci.example';
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
/** As little as a route can do: what the server and its connections cost. */
const bare: RouteFamily = (server) => void server.post('/bare', { config: { access: { rule: 'anyone', object: 'Nothing' } } }, () => ({ bare: true }));

/** SVIDs by request and the judgement of tokens, over TLS: CPU time of the server for each, beside a route that does nothing on the same machine. */
export async function* api(): AsyncIterable<Measurement> {
  await using site = await ApiSite.start({ dnsNames: { allowedPatterns: ['localhost', '*.{namespace}.svc'] }, jwt: {} });
  site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'edge' }, spec: { dnsNames: ['localhost'] } });
  const secret = await until('the API has its identity', () => site.store.peek({ kind: 'Secret', namespace: 'shop', name: 'edge-mtls' }));
  const fileOf = (name: string): string => Buffer.from(secret.data[name] ?? '', 'base64').toString('utf8');
  const pair = { key: fileOf('tls.key'), cert: fileOf('tls.crt'), ca: fileOf('ca.crt') };
  const { ca } = pair;
  const { callers, issuers, external, account } = callersOf(site);
  const limits = { perCaller: 1e9, perAddress: 1e9 };
  const families = [...svidFamilies(() => site.controllers), bare];
  await using served = await serveApi({ listen: { host: '127.0.0.1', port: 0 }, serving: { kind: 'identity', namespace: 'shop', name: 'edge' }, store: site.store, clock: systemClock, log, audit: { record: nothing }, callers, limits }, families);
  await using gateway = await serveGateway(pair, 'spiffe://shop.example/ns/shop/sa/edge', issuers);
  const to = { port: Number(new URL(served.address).port), ca, connections: 8 };
  const toMany = { ...to, connections: 32 };
  const ofGateway = { port: gateway.port, ca, pair, method: 'GET', connections: 8 } as const;
  const nobody = (count: number): readonly object[] => Array.from({ length: count }, () => ({}));
  const fresh = (count: number) => ({ requests: count });
  const cases = [
    { name: 'a route that does nothing', path: '/bare', token: external(), make: nobody },
    { name: "by an issuer's token, each another", path: '/v1/svids/x509', token: external, make: fresh },
    { name: "by an issuer's token, the same again", path: '/v1/svids/x509', token: external(), make: fresh },
    { name: 'by a token that a review at hand accepts', path: '/v1/svids/x509', token: account, make: fresh },
    { name: "32 connections: by an issuer's token, the same again", path: '/v1/svids/x509', token: external(), make: fresh, to: toMany },
    { name: '32 connections: by a token that a review at hand accepts', path: '/v1/svids/x509', token: account, make: fresh, to: toMany },
    { name: 'a JWT-SVID, by a token that a review at hand accepts', path: '/v1/svids/jwt', token: account, make: (count: number) => Array.from({ length: count }, () => ({ audience: 'orders' })) },
    { name: 'forward-auth by a gateway, each token another', path: '/v1/authorize', token: external, make: nobody, to: ofGateway },
    { name: 'forward-auth by a gateway, the same token again', path: '/v1/authorize', token: external(), make: nobody, to: ofGateway },
  ];
  for (const { name, path, token, make, to: elsewhere } of cases) {
    const where = elsewhere ?? to;
    const tokens = (count: number) => (typeof token === 'string' ? token : Array.from({ length: count }, token));
    await measure({ ...where, path, token: tokens(warmUp), bodies: make(warmUp) });
    const { cpuMs, perSecond, p99Ms } = await measure({ ...where, path, token: tokens(requests), bodies: make(requests) });
    const isSvid = path === '/v1/svids/x509';
    yield { bench: 'api', metric: `CPU, ${name}`, value: cpuMs, unit: 'ms', ...(isSvid ? { budget: { relation: '<=', value: 0.25 } as const } : {}) };
    yield { bench: 'api', metric: `rate, ${name}`, value: perSecond, unit: '/s' };
    yield { bench: 'api', metric: `p99, ${name}`, value: p99Ms, unit: 'ms' };
  }
}

function callersOf(site: ApiSite) {
  const signs = signingKey('ES256', 'one');
  const { keys } = readKeySet(JSON.stringify({ keys: [signs.jwk] })) ?? { keys: [] };
  const rules = { issuer, audiences: ['mtlsd'], algorithms: ['ES256'], types: ['JWT'], scopes: [], requiredClaims: [], clockToleranceMs: 0, maxLifetimeMs: undefined } as const;
  const entry = { name: 'ci', rules: 'ci', trustDomain: 'shop.example', path: [['owner']] };
  const account = unsignedToken({ alg: 'RS256' }, { iss: 'https://kubernetes.default.svc', aud: ['mtlsd'], jti: randomUUID() });
  const uid = site.store.peek({ kind: 'ServiceAccount', namespace: 'shop', name: 'cart' })?.metadata.uid ?? '';
  const review = { authenticated: true, username: 'system:serviceaccount:shop:cart', uid, audiences: ['mtlsd'], extra: {} } as const;
  const accounts = new ReviewedAccounts(async () => review, site.store, log);
  const trusted = { entry, issuer: { rules, keys: { find: (wanted: Parameters<typeof keysFor>[1]) => ({ kind: 'found' as const, keys: keysFor(keys, wanted) }) } } };
  const now = Math.floor(Date.now() / 1000);
  const external = (): string => makeToken(signs, { iss: issuer, sub: 'job', aud: 'mtlsd', jti: randomUUID(), iat: now, exp: now + 3_600, owner: 'acme' });
  return { callers: new ApiCallers(new Map([[issuer, trusted]]), accounts, systemClock, log), issuers: new Map([[issuer, trusted.issuer]]), external, account };
}

async function measure(load: Load): Promise<{ readonly cpuMs: number; readonly perSecond: number; readonly p99Ms: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'https-load.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const before = process.cpuUsage();
  child.stdin.end(JSON.stringify(load));
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000 / ('requests' in load.bodies ? load.bodies.requests : load.bodies.length), ...(JSON.parse(said) as { readonly perSecond: number; readonly p99Ms: number }) };
}
