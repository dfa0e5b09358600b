/** L26: what callers of the API send, marked wherever they may put something, is in no audit line and no answer but to its sender's question. */
import { connect } from 'node:tls';
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
    await site.ask(cart, { csr: await requestPem({ names: [{ type: 'dn', value: `CN=${mark}` }, { type: 'upn', value: mark }] }) }),
    await site.ask(cart, { csr: await requestPem({ purposes: ['1.3.6.1.4.1.99999.2'], unknown: mark }) }),
    await site.ask(cart, { csr: mark }),
    await site.ask(cart, { csr: Buffer.from(mark).toString('base64') }),
    await site.ask(cart, { csr, [mark]: mark }),
    await site.ask(cart, { csr, ttl: mark }),
    await site.ask(cart, { csr, identity: mark }),
    await site.ask(cart, undefined, { method: 'GET', url: `/v1/${mark}?token=${mark}` }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, ...answers.slice(1).map(() => expect.toSatisfy((status: number) => status >= 400 && status < 500) as number)]);
  // What the request bears besides is left out of the certificate, and of everything else.
  const password = await site.ask(cart, { csr: await requestPem({ challengePassword: mark }) });
  expect(password.status).toBe(200);
  const headers = { cookie: mark, 'user-agent': mark, referer: `https://${mark}/`, 'x-forwarded-for': mark, 'x-request-id': mark, traceparent: mark, 'x-auth-subject': mark, from: mark, origin: `https://${mark}`, accept: `${mark}/*`, [mark.slice(0, 7)]: mark };
  const headed = [
    await site.ask(cart, { csr }, { headers: { ...headers, 'content-encoding': mark, 'content-type': `application/json; charset=${mark}` } }),
    await site.ask(undefined, { csr }, { headers: { authorization: `Basic ${Buffer.from(`alice:${mark}`).toString('base64')}` } }),
    await site.ask(undefined, { csr }, { headers: { authorization: mark } }),
    await site.ask(cart, { csr }, { headers: { 'content-type': mark } }),
    await site.ask(cart, undefined, { method: 'GET', url: '/v1/svids/x509', headers }),
    await site.ask(cart, undefined, { method: 'GET', url: `/v1/identities/shop/${mark}`, headers }),
    await site.ask(cart, undefined, { method: 'GET', url: `/v1/identities/${encodeURIComponent(mark)}?limit=${mark}&continue=${mark}`, headers }),
  ];
  expect(headed.map(({ status }) => status)).toEqual([200, ...headed.slice(1).map(() => expect.toSatisfy((status: number) => status >= 400 && status < 500) as number)]);
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
  for (const answer of [...answers, password, ...headed, ...refusals]) expect(JSON.stringify([answer.headers, answer.body])).not.toMatch(marked);
  for (const page of await malformed()) expect(page).not.toMatch(marked);

  // What the daemon records, as it is written: the one place where a person was named holds a keyed hash.
  const sink = new ScriptedSink();
  await using audit = new AuditSite().start('mtlsd-0', { sink });
  for (const record of site.records) audit.record(record);
  expect(site.records.some(({ subject }) => subject?.includes(mark))).toBe(true);
  expect(sink.lines.some((line) => line.includes('"subjectHash":'))).toBe(true);
  expect(sink.lines.filter((line) => marked.test(line))).toEqual([]);
  expect(site.told.length).toBeGreaterThan(0);
  expect(site.told.filter((line) => marked.test(line))).toEqual([]);
});

/** What is answered to what is no request at all, or too long for one. */
async function malformed(): Promise<readonly string[]> {
  await using served = await site.serve('shop', 'cart');
  const port = Number(served.address.split(':').at(-1));
  const sent = [`${mark}\r\n\r\n`, `GET /${mark} HTTP/1.1\r\n${mark} ${mark}\r\n\r\n`, `GET / HTTP/${mark}\r\n\r\n`, `GET / HTTP/1.1\r\nhost: x\r\ncookie: ${mark.repeat(4_000)}\r\n\r\n`];
  return await Promise.all(sent.map((text) => pageFor(text, port)));
}

function pageFor(text: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let page = '';
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => void socket.write(text));
    socket.setEncoding('utf8').on('data', (part: string) => (page += part));
    // A server that has read enough may hang up on the rest, and take its answer with it.
    socket.on('error', () => undefined).on('close', () => resolve(page));
  });
}
