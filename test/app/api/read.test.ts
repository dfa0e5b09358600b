/** What callers of the API are shown: pages, what is in them, and what they never learn. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pageOf } from '../../../src/app/api/page.ts';
import { ReviewedRights } from '../../../src/app/api/reviewed-rights.ts';
import { MtlsdError } from '../../../src/errors/index.ts';
import { ApiSite } from './api-site.ts';

const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const identities = Array.from({ length: 7 }, (_value, index) => `other-${index}`);

let site: ApiSite;
let auditor: string;
beforeAll(async () => {
  site = await ApiSite.start();
  for (const name of identities) site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name }, spec: { serviceAccountName: 'edge' } });
  await site.controllers.whenIdle();
  site.mayDo = async ({ username }) => username === 'system:serviceaccount:mtlsd-system:auditor';
  auditor = site.accountToken('mtlsd-system', 'auditor');
});
afterAll(() => site[Symbol.asyncDispose]());

const get = async (token: string, url: string) => site.ask(token, undefined, { method: 'GET', url });

interface Listed {
  readonly items: readonly { readonly namespace: string; readonly name: string }[];
  readonly continue?: string;
}

describe('a list', () => {
  test.each([1, 3, 4, 9, 500])('comes whole, each object once, in pages of %s', async (limit) => {
    const names: string[] = [];
    let from: string | undefined = '';
    let pages = 0;
    while (from !== undefined) {
      const body = (await get(auditor, `/v1/identities?limit=${limit}${from === '' ? '' : `&continue=${from}`}`)).body as unknown as Listed;
      expect(body.items.length).toBeLessThanOrEqual(limit);
      names.push(...body.items.map(({ namespace, name }) => `${namespace}/${name}`));
      from = body.continue;
      pages += 1;
    }
    expect(names).toEqual(['bank/till', 'shop/cart', ...identities.map((name) => `shop/${name}`)]);
    expect(pages).toBe(Math.ceil(names.length / limit));
  });

  test('goes on behind an object that is gone meanwhile, or that never was', async () => {
    const from = Buffer.from('shop/other-3x').toString('base64url');
    const body = (await get(auditor, `/v1/identities?continue=${from}`)).body as unknown as Listed;
    expect(body.items.map(({ name }) => name)).toEqual(identities.slice(4));
  });

  test('sorts what it shows and nothing else, whatever the order of what there is', () => {
    const keys = Array.from({ length: 2_000 }, (_value, index) => String((index * 7_919) % 2_000).padStart(4, '0'));
    expect(pageOf(keys, (key) => key, { limit: 3, after: '1233' })).toEqual({ items: ['1234', '1235', '1236'], more: '1236' });
    expect(pageOf(keys, (key) => key, { limit: 3, after: '1996' })).toEqual({ items: ['1997', '1998', '1999'], more: undefined });
  });

  test.each(['limit=0', 'limit=501', 'limit=1e9', 'limit=1&limit=2', 'continue=%2e%2e', 'namespace=Shop', 'namespace=..', 'labelSelector=a'])('is not given for ?%s', async (query) => {
    const answer = await get(auditor, `/v1/identities?${query}`);
    expect([answer.status, answer.body['code']]).toEqual([400, 'API_REQUEST_INVALID']);
  });
});

test('an identity says what was issued for it, and nothing of its Secret', async () => {
  const { status } = site.store.peek({ kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart' }) ?? {};
  const answer = await get(site.accountToken('shop', 'cart'), '/v1/identities/shop/cart');
  expect(answer.body).toMatchObject({ kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart', serviceAccount: 'cart', trustDomain: 'shop.example', spiffeId: 'spiffe://shop.example/ns/shop/sa/cart', serialNumber: status?.serialNumber, notAfter: status?.notAfter });
  expect(answer.body['conditions']).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
  expect(answer.headers['cache-control']).toBe('no-store');
  const files = Object.values(site.store.peek({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' })?.data ?? {});
  expect(files.length).toBeGreaterThan(0);
  const said = JSON.stringify(answer.body);
  for (const file of files) expect([file, Buffer.from(file, 'base64').toString('utf8')].some((text) => said.includes(text))).toBe(false);
});

test('what may not be seen is answered as what does not exist, to the last octet', async () => {
  const till = site.accountToken('bank', 'till');
  const answers = await Promise.all(['/v1/identities/shop/cart', '/v1/identities/shop/nobody', '/v1/identities/nowhere/nobody'].map(async (url) => get(till, url)));
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(answers[0]?.status).toBe(404);
  expect(site.records.filter(({ reason }) => reason === 'API_OBJECT_UNKNOWN')).toEqual([]);
});

test('a replica that stands by does not know the objects, and sends its caller to another one', async () => {
  site.leads = false;
  const answer = await get(auditor, '/v1/identities');
  site.leads = true;
  expect([answer.status, answer.body['code'], answer.headers['connection']]).toEqual([503, 'API_STANDBY', 'close']);
});

test('nothing is shown, not even what is its own, while the cluster cannot say what its caller may see', async () => {
  const before = site.mayDo;
  site.mayDo = async () => Promise.reject(new MtlsdError('STORE_UNAVAILABLE', 'away', { details: { object: 'SubjectAccessReview' } }));
  const answer = await get(site.accountToken('shop', 'cart'), '/v1/identities?namespace=bank');
  site.mayDo = before;
  expect([answer.status, answer.body['code'], answer.body['items']]).toEqual([503, 'API_RIGHTS_UNJUDGED', undefined]);
  expect((await get(site.accountToken('shop', 'cart'), '/v1/identities?namespace=bank')).status).toBe(200);
});

describe('rights', () => {
  const caller = { kind: 'service-account', namespace: 'shop', name: 'cart', uid: 'u1' } as const;
  const all = { kind: 'CARotation' } as const;

  test('are asked for once by many at once, are used for some seconds, and are told of the right user', async () => {
    const asked: unknown[] = [];
    const clock = { now: 0, nowMs: () => clock.now };
    const rights = new ReviewedRights(async (user, access) => asked.push([user, access]) > 1, clock, log);
    expect(await Promise.all(Array.from({ length: 50 }, async () => rights.mayRead(caller, all)))).toEqual(Array.from({ length: 50 }, () => false));
    clock.now = 4_999;
    expect(await rights.mayRead(caller, all)).toBe(false);
    clock.now = 5_000;
    expect(await rights.mayRead(caller, all)).toBe(true);
    const user = { username: 'system:serviceaccount:shop:cart', uid: 'u1', groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'] };
    expect(asked).toEqual([1, 2].map(() => [user, { verb: 'list', group: 'mtlsd.io', resource: 'carotations' }]));
  });

  test('of an account that was made anew are asked for anew', async () => {
    const uids: string[] = [];
    const rights = new ReviewedRights(async ({ uid }) => uids.push(uid) === 1, { nowMs: () => 0 }, log);
    expect([await rights.mayRead(caller, all), await rights.mayRead({ ...caller, uid: 'u2' }, all)]).toEqual([true, false]);
    expect(uids).toEqual(['u1', 'u2']);
  });

  test('are not asked for by more than some at once: the others are told to wait, and nobody is let through', async () => {
    const answers: ((allowed: boolean) => void)[] = [];
    const rights = new ReviewedRights(async () => new Promise((resolve) => answers.push(resolve)), { nowMs: () => 0 }, log);
    const waiting = Array.from({ length: 40 }, async (_value, index) => rights.mayRead({ ...caller, uid: String(index) }, all));
    for (const answer of answers) answer(true);
    const told = await Promise.all(waiting);
    expect([told.filter((each) => each === true).length, told.filter((each) => each === undefined).length]).toEqual([32, 8]);
  });

  test.each([
    [{ kind: 'WorkloadIdentity', namespace: undefined, name: undefined }, { verb: 'list', resource: 'workloadidentities', namespace: undefined }],
    [{ kind: 'WorkloadIdentity', namespace: 'shop', name: undefined }, { verb: 'list', resource: 'workloadidentities', namespace: 'shop' }],
    [{ kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart' }, { verb: 'get', resource: 'workloadidentities', namespace: 'shop', name: 'cart' }],
    [{ kind: 'TrustDomain' }, { verb: 'get', resource: 'trustdomains' }],
  ] as const)('to see %o are those of %o', async (wanted, access) => {
    let asked: unknown;
    const rights = new ReviewedRights(async (_user, what) => ((asked = what), true), { nowMs: () => 0 }, log);
    await rights.mayRead(caller, wanted);
    expect(asked).toMatchObject(access);
  });
});
