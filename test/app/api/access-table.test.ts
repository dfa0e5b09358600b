/** Every route of the API, asked by every kind of caller, held to what is written here: a route that is added must be added here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesOf } from '../../../src/server/index.ts';
import { ApiSite, externalToken, otherIssuer } from './api-site.ts';
import { requestPem } from './requests.ts';

const callers = ['own', 'own by another name', 'other namespace', 'other trust domain', 'without an identity', 'outside', 'outside, for a workload', 'anonymous', 'expired', 'wrong audience', 'not accepted by the API server', 'account made anew'] as const;
type Kind = (typeof callers)[number];

/** Of each route: what each caller gets, as status and code. */
const everybody = (answer: string): Readonly<Record<Kind, string>> => Object.fromEntries(callers.map((caller) => [caller, answer])) as Record<Kind, string>;
const expected: Readonly<Record<string, Readonly<Record<Kind, string>>>> = {
  'POST /v1/svids/x509': {
    own: '200',
    'own by another name': '200',
    'other namespace': '403 API_FORBIDDEN',
    'other trust domain': '403 API_FORBIDDEN',
    'without an identity': '403 API_IDENTITY_NOT_GRANTED',
    outside: '200',
    'outside, for a workload': '403 API_FORBIDDEN',
    anonymous: '401 API_TOKEN_MISSING',
    expired: '401 API_TOKEN_REFUSED',
    'wrong audience': '401 API_TOKEN_REFUSED',
    'not accepted by the API server': '401 API_TOKEN_REFUSED',
    'account made anew': '401 API_TOKEN_REFUSED',
  },
  'GET /v1/trust-domains/:trustDomain/bundle': everybody('200'),
};

let site: ApiSite;
let csr: string;
beforeAll(async () => {
  site = await ApiSite.start();
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
    case 'account made anew': {
      const token = site.accountToken('shop', 'idle');
      const place = { namespace: 'shop', name: 'idle' };
      site.store.remove({ kind: 'ServiceAccount', ...place });
      site.store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: place });
      return { token };
    }
  }
}

test('every route is in the table, and no other', () => {
  const routes = routesOf(site.server).filter(({ method }) => method !== 'HEAD').map(({ method, url }) => `${method} ${url}`);
  expect(routes.toSorted()).toEqual(Object.keys(expected).toSorted());
});

describe.each(Object.keys(expected))('%s', (route) => {
  test.each(callers)('asked by: %s', async (caller) => {
    const [method, path = ''] = route.split(' ');
    const { token, ...body } = asking(caller);
    const url = path.replace(':trustDomain', 'shop.example');
    const answer = await site.ask(token, method === 'GET' ? undefined : { csr, ...body }, { method: method === 'GET' ? 'GET' : 'POST', url });
    const { code } = answer.body as { readonly code?: string };
    expect(`${answer.status}${code === undefined ? '' : ` ${code}`}`).toBe(expected[route]?.[caller]);
  });
});
