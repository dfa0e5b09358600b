/** Bundles in a replica that leads, and in one that stands by. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiSite } from './api-site.ts';

let site: ApiSite;
beforeAll(async () => {
  site = await ApiSite.start();
});
afterAll(() => site[Symbol.asyncDispose]());

const bundle = async (name: string) => {
  const { statusCode, body } = await site.server.inject({ url: `/v1/trust-domains/${name}/bundle` });
  return { statusCode, body };
};

test('every replica has them: whoever fetches a bundle does not ask again elsewhere', async () => {
  site.leads = true;
  const led = await bundle('shop.example');
  expect(led).toMatchObject({ statusCode: 200, body: expect.stringContaining('x509-svid') as string });
  site.leads = false;
  expect(await bundle('shop.example')).toEqual(led);
  expect((await bundle('other.example')).body).not.toBe(led.body);
  for (const leads of [true, false]) {
    site.leads = leads;
    for (const name of ['nobody.example', '..', 'shop.example%2fstatus', 'a'.repeat(64)]) expect((await bundle(name)).statusCode, `${name}, ${String(leads)}`).toBe(404);
  }
});
