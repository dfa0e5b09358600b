/**
 * Every route of the API, asked by every kind of caller, held to what is written here: a route that is added must be added here.
 * Of a list, what is in it counts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesOf } from '../../../src/server/index.ts';
import { ApiSite, externalToken, otherIssuer, type Answer } from './api-site.ts';
import { requestPem } from './requests.ts';

const callers = ['own', 'own by another name', 'other namespace', 'other trust domain', 'without an identity', 'outside', 'outside, for a workload', 'anonymous', 'expired', 'wrong audience', 'not accepted by the API server', 'account made anew', 'operator of a namespace', 'operator of the cluster'] as const;
type Kind = (typeof callers)[number];

type Row = Readonly<Record<Kind, string>>;

const everybody = (answer: string): Row => Object.fromEntries(callers.map((caller) => [caller, answer])) as Record<Kind, string>;
/** Whoever shows no good token is told so, whatever is asked for. */
const strangers = {
  anonymous: '401 API_TOKEN_MISSING',
  expired: '401 API_TOKEN_REFUSED',
  'wrong audience': '401 API_TOKEN_REFUSED',
  'not accepted by the API server': '401 API_TOKEN_REFUSED',
  'account made anew': '401 API_TOKEN_REFUSED',
} as const;
const known = (answer: string): Row => ({ ...everybody(answer), ...strangers });
const own: Row = {
  ...known('200'),
  'other namespace': '403 API_FORBIDDEN',
  'other trust domain': '403 API_FORBIDDEN',
  'without an identity': '403 API_IDENTITY_NOT_GRANTED',
  'outside, for a workload': '403 API_FORBIDDEN',
  'operator of a namespace': '403 API_IDENTITY_NOT_GRANTED',
  'operator of the cluster': '403 API_IDENTITY_NOT_GRANTED',
};

/** Of each route: what each caller gets, as status, and code or the names in a list. */
const expected: Readonly<Record<string, Row>> = {
  'POST /v1/svids/x509': own,
  'POST /v1/svids/jwt': own,
  'GET /.well-known/openid-configuration': everybody('200'),
  'GET /keys': everybody('200'),
  'GET /:trustDomain/.well-known/openid-configuration': everybody('200'),
  'GET /:trustDomain/keys': everybody('200'),
  'GET /v1/openapi.json': everybody('200'),
  'GET /v1/trust-domains/:trustDomain/bundle': everybody('200'),
  'GET /v1/identities': {
    ...known('200 shop/cart'),
    'other namespace': '200 bank/till',
    'other trust domain': '200 elsewhere',
    'without an identity': '200 nothing',
    outside: '200 ci',
    'outside, for a workload': '200 ci',
    'operator of a namespace': '200 nothing',
    'operator of the cluster': '200 bank/till shop/cart shop/other',
  },
  'GET /v1/identities?namespace=shop': {
    ...known('200 nothing'),
    own: '200 shop/cart',
    'own by another name': '200 shop/cart',
    'operator of a namespace': '200 shop/cart shop/other',
    'operator of the cluster': '200 shop/cart shop/other',
  },
  'GET /v1/identities/:namespace/:name': {
    ...known('404 API_OBJECT_UNKNOWN'),
    own: '200 shop/cart',
    'own by another name': '200 shop/cart',
    'operator of a namespace': '200 shop/cart',
    'operator of the cluster': '200 shop/cart',
  },
  'GET /v1/authorities': {
    ...known('200 shop.example'),
    'other trust domain': '200 other.example',
    'without an identity': '200 nothing',
    'operator of a namespace': '200 nothing',
    'operator of the cluster': '200 other.example shop.example',
  },
  'GET /v1/rotations': { ...known('200 nothing'), 'operator of the cluster': '200 old' },
};

let site: ApiSite;
let csr: string;
beforeAll(async () => {
  site = await ApiSite.start({ jwt: { issuer: 'https://tokens.example' } });
  site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'other' }, spec: { serviceAccountName: 'edge' } });
  site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'old' }, spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority: '0000' } });
  await site.controllers.whenIdle();
  site.mayDo = async ({ username }, { namespace }) => username === 'system:serviceaccount:mtlsd-system:auditor' || (username === 'system:serviceaccount:shop:keeper' && namespace === 'shop');
  csr = await requestPem();
});
afterAll(() => site[Symbol.asyncDispose]());

function asking(caller: Kind): { readonly token: string | undefined; readonly identity?: string } {
  const cart = { identity: 'shop/cart' };
  switch (caller) {
    case 'own':
      return { token: site.accountToken('shop', 'cart') };
    case 'own by another name':
      return { token: site.accountToken('shop', 'cart'), ...cart };
    case 'other namespace':
      return { token: site.accountToken('bank', 'till'), ...cart };
    case 'other trust domain':
      return { token: externalToken({ iss: otherIssuer, deep: { name: 'cart' } }), ...cart };
    case 'without an identity':
      return { token: site.accountToken('shop', 'idle') };
    case 'outside':
      return { token: externalToken() };
    case 'outside, for a workload':
      return { token: externalToken(), ...cart };
    case 'anonymous':
      return { token: undefined };
    case 'expired':
      return { token: externalToken({ iat: 1_700_000_000, exp: 1_700_000_300 }) };
    case 'wrong audience':
      return { token: site.accountToken('shop', 'cart', { audience: 'https://kubernetes.default.svc' }) };
    case 'not accepted by the API server':
      return { token: site.accountToken('shop', 'cart', { authenticated: false }) };
    case 'operator of a namespace':
      return { token: site.accountToken('shop', 'keeper') };
    case 'operator of the cluster':
      return { token: site.accountToken('mtlsd-system', 'auditor') };
    case 'account made anew': {
      const token = site.accountToken('shop', 'idle');
      const place = { namespace: 'shop', name: 'idle' };
      site.store.remove({ kind: 'ServiceAccount', ...place });
      site.store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: place });
      return { token };
    }
  }
}

/** What stands in the table: the status, then the code of a problem, or the names of what is shown. */
function shownAs({ status, body }: Answer, isRead: boolean): string {
  const { code, items } = body as { readonly code?: string; readonly items?: readonly Named[] };
  if (code !== undefined) return `${status} ${code}`;
  if (!isRead) return String(status);
  const names = new Set((items ?? [body as unknown as Named]).map(nameOf));
  return `${status} ${names.size === 0 ? 'nothing' : [...names].join(' ')}`;
}

interface Named {
  readonly namespace?: string;
  readonly name?: string;
  readonly trustDomain?: string;
}

function nameOf({ namespace, name, trustDomain = '' }: Named): string {
  return name === undefined ? trustDomain : [namespace, name].filter((part) => part !== undefined).join('/');
}

const isRead = ({ access }: ReturnType<typeof routesOf>[number]): boolean => access.rule === 'own-or-allowed';

test('every route is in the table, and no other', () => {
  const routes = routesOf(site.server).filter(({ method }) => method !== 'HEAD').map(({ method, url }) => `${method} ${url}`);
  expect(new Set(routes)).toEqual(new Set(Object.keys(expected).map((route) => route.split('?')[0])));
});

describe.each(Object.keys(expected))('%s', (route) => {
  test.each(callers)('asked by: %s', async (caller) => {
    const [method, path = ''] = route.split(' ');
    const { token, ...body } = asking(caller);
    const url = path.replace(':trustDomain', 'shop.example').replace(':namespace', 'shop').replace(':name', 'cart');
    const wish = path.endsWith('/jwt') ? { audience: 'orders', ...body } : { csr, ...body };
    const answer = await site.ask(token, method === 'GET' ? undefined : wish, { method: method === 'GET' ? 'GET' : 'POST', url });
    const listed = routesOf(site.server).find((each) => `${each.method} ${each.url}` === route.split('?')[0]);
    expect(shownAs(answer, listed !== undefined && isRead(listed))).toBe(expected[route]?.[caller]);
  });
});
