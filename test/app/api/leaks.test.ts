/** L26: what callers of the API send, marked wherever they may put something, is in no audit line and no answer but to its sender's question. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditSite, ScriptedSink } from '../audit/audit-site.ts';
import { ApiSite, externalToken } from './api-site.ts';
import { requestPem } from './requests.ts';

let site: ApiSite;
beforeAll(async () => {
  site = await ApiSite.start({ jwt: {} });
});
afterAll(() => site[Symbol.asyncDispose]());

const mark = 'hunter2.alice@example.org';
/** As it is, in base64url at every offset, and in hexadecimal. */
const marked = /hunter2|alice|aHVudGVyM|h1bnRlcj|odW50ZXIy|68756e74657232/iu;
const claims = { sub: mark, email: mark, name: mark, jti: mark, azp: mark, [mark]: mark };

test('neither persons nor secrets from tokens, requests, bodies, paths and headers are written or sent back', async () => {
  const names = [{ type: 'dns' as const, value: 'hunter2.alice.example' }, { type: 'email' as const, value: mark }, { type: 'url' as const, value: 'spiffe://shop.example/hunter2' }];
  const csr = await requestPem();
  const cart = site.accountToken('shop', 'cart');
  const external = externalToken(claims);
  const answers = [
    await site.ask(external, { csr }),
    await site.ask(externalToken({ ...claims, aud: mark }), { csr }),
    await site.ask(externalToken({ ...claims, iss: `https://${mark}` }), { csr }),
    await site.ask(externalToken({ ...claims, owner: `${mark}/..` }), { csr }),
    await site.ask(`${mark}.${mark}.${mark}`, { csr }),
    await site.ask(mark, { csr }),
    await site.ask(external, { csr: await requestPem({ subject: `CN=${mark}`, names }) }),
    await site.ask(cart, { csr: await requestPem({ subject: `CN=${mark}`, names }) }),
    await site.ask(cart, { csr: mark }),
    await site.ask(cart, { csr: Buffer.from(mark).toString('base64') }),
    await site.ask(cart, { csr, [mark]: mark }),
    await site.ask(cart, { csr, ttl: mark }),
    await site.ask(cart, { csr, identity: mark }),
    await site.ask(cart, undefined, { method: 'GET', url: `/v1/${mark}?token=${mark}` }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, ...answers.slice(1).map(() => expect.toSatisfy((status: number) => status >= 400 && status < 500) as number)]);
  // An audience is what its caller names, and stands in the token alone.
  const jwt = { url: '/v1/svids/jwt' };
  const token = await site.ask(external, { audience: mark }, jwt);
  expect(token.status).toBe(200);
  const refusals = [
    await site.ask(external, { audience: `${mark} ${mark}` }, jwt),
    await site.ask(cart, { audience: [mark, mark] }, jwt),
    await site.ask(cart, { audience: 'orders', ttl: mark }, jwt),
    await site.ask(cart, { audience: 'orders', identity: mark }, jwt),
    await site.ask(mark, { audience: 'orders' }, jwt),
  ];
  expect(refusals.map(({ status }) => status)).toEqual(refusals.map(() => expect.toSatisfy((status: number) => status >= 400 && status < 500) as number));
  for (const { body } of [...answers, ...refusals]) expect(JSON.stringify(body)).not.toMatch(marked);

  // What the daemon records, as it is written: the one place where a person was named holds a keyed hash.
  const sink = new ScriptedSink();
  await using audit = new AuditSite().start('mtlsd-0', { sink });
  for (const record of site.records) audit.record(record);
  expect(site.records.some(({ subject }) => subject?.includes(mark))).toBe(true);
  expect(sink.lines.some((line) => line.includes('"subjectHash":'))).toBe(true);
  expect(sink.lines.filter((line) => marked.test(line))).toEqual([]);
});
