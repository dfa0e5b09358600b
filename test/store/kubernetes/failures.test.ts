import { describe, expect, test } from 'vitest';
import { catalogue } from '../../../src/errors/index.ts';
import { isNotServed, refusalError, unreachableError, watchStatusError, type Question, type Refusal } from '../../../src/store/kubernetes/failures.ts';

const secret: Question = { verb: 'update', kind: 'Secret', namespace: 'shop', name: 'cart-mtls' };
const identity: Question = { verb: 'get', kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart' };

function answer(code: number, status: object, retryAfter?: string): Refusal {
  const text = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, ...status });
  return { status: code, text, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

const forbidden = 'secrets "cart-mtls" is forbidden: User "system:serviceaccount:m:mtlsd" cannot update resource "secrets" in API group "" in the namespace "shop"';
const terminating = 'secrets "x" is forbidden: unable to create new content in namespace shop because it is being terminated';
const invalid = 'WorkloadIdentity.mtlsd.io "cart" is invalid: spec.ttl: Invalid value: "100h": write 24h or less';

describe('refusalError', () => {
  test.each<[string, Question, Refusal, string, string]>([
    ['a right that is missing', secret, answer(403, { reason: 'Forbidden', message: forbidden }), 'STORE_FORBIDDEN', `Secret shop/cart-mtls is out of reach: ${forbidden}. Grant "update" on secrets in namespace shop.`],
    ['a quota', secret, answer(403, { reason: 'Forbidden', message: 'exceeded quota: small' }), 'STORE_FORBIDDEN', 'Secret shop/cart-mtls was refused: exceeded quota: small.'],
    ['credentials that are not known', secret, answer(401, { reason: 'Unauthorized', message: 'Unauthorized' }), 'STORE_FORBIDDEN', 'credentials (401)'],
    ['a namespace that is going away', secret, answer(403, { reason: 'Forbidden', message: terminating, details: { causes: [{ reason: 'NamespaceTerminating', message: 'x', field: 'metadata.namespace' }] } }), 'STORE_TERMINATING', 'namespace shop is being deleted'],
    ['a namespace that is going away, told by words alone', secret, answer(403, { reason: 'Forbidden', message: terminating }), 'STORE_TERMINATING', 'namespace shop is being deleted'],
    ['an object that is not there', secret, answer(404, { reason: 'NotFound', message: 'secrets "cart-mtls" not found', details: { name: 'cart-mtls', kind: 'secrets' } }), 'STORE_NOT_FOUND', 'Secret shop/cart-mtls does not exist'],
    ['a namespace that is not there', secret, answer(404, { reason: 'NotFound', message: 'namespaces "shop" not found', details: { name: 'shop', kind: 'namespaces' } }), 'STORE_NOT_FOUND', 'namespace shop does not exist'],
    ['a kind that is not there', identity, answer(404, { reason: 'NotFound', message: 'the server could not find the requested resource', details: {} }), 'STORE_UNAVAILABLE', 'workloadidentities.mtlsd.io is missing, being deleted or of another version. Install it: kubectl apply -f crds/'],
    ['a kind that is not there, in plain text', identity, { status: 404, text: '404 page not found\n' }, 'STORE_UNAVAILABLE', 'does not serve WorkloadIdentity'],
    ['a collection that is not there', { verb: 'watch', kind: 'WorkloadIdentity' }, answer(404, { reason: 'NotFound', message: 'not found', details: { name: 'x' } }), 'STORE_UNAVAILABLE', 'does not serve WorkloadIdentity'],
    ['a name that is taken', secret, answer(409, { reason: 'AlreadyExists', message: 'secrets "cart-mtls" already exists' }), 'STORE_ALREADY_EXISTS', 'was not made by this write'],
    ['a newer state', secret, answer(409, { reason: 'Conflict', message: 'the object has been modified' }), 'STORE_CONFLICT', 'the object has been modified.'],
    ['another uid', secret, answer(409, { reason: 'Conflict', message: 'Precondition failed: UID in precondition: a, UID in object meta: b' }), 'STORE_CONFLICT', 'another one of its name was created'],
    ['no object where a uid was expected', secret, answer(409, { reason: 'Conflict', message: 'Precondition failed: UID in precondition: a, UID in object meta: ' }), 'STORE_NOT_FOUND', 'does not exist'],
    ['a field that is wrong', identity, answer(422, { reason: 'Invalid', message: invalid, details: { causes: [{ reason: 'FieldValueInvalid', message: 'Invalid value: "100h": write 24h or less', field: 'spec.ttl' }] } }), 'STORE_INVALID', `WorkloadIdentity shop/cart was refused: ${invalid}.`],
    ['causes that the message leaves out', identity, answer(422, { message: 'refused', details: { causes: [{ message: 'too short', field: 'spec.a' }, { message: 'too long', field: 'spec.b' }] } }), 'STORE_INVALID', 'refused: spec.a: too short; spec.b: too long.'],
    ['an object that is too large', secret, answer(413, { message: 'Request entity too large: limit is 3145728' }), 'STORE_INVALID', 'too large'],
    ['a history that is gone', { verb: 'watch', kind: 'Secret' }, answer(410, { reason: 'Expired', message: 'too old resource version' }), 'STORE_UNAVAILABLE', 'Secret list got no useful answer from the API server: too old resource version (410).'],
    ['a gateway that speaks HTML', secret, { status: 502, text: '<html><body>Bad Gateway' }, 'STORE_UNAVAILABLE', 'HTTP 502 (502)'],
  ])('%s', (_what, question, refusal, code, words) => {
    const error = refusalError(question, refusal);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(Object.keys(catalogue)).toContain(error.code);
  });

  test('says when to come again: by the header, else by the Status', () => {
    expect(refusalError(secret, answer(429, { message: 'too many requests' }, '7')).retryAfterMs).toBe(7000);
    expect(refusalError(secret, answer(503, { message: 'x', details: { retryAfterSeconds: 3 } })).retryAfterMs).toBe(3000);
    expect(refusalError(secret, answer(503, { message: 'x' }, 'Wed, 21 Oct 2026 07:28:00 GMT')).retryAfterMs).toBeUndefined();
  });

  test('never throws on a body of any kind', () => {
    for (const text of ['', 'null', '[]', '7', '{"kind":"Status"}', '{"kind":"Status","details":null}', '{"kind":"Status","details":{"causes":null}}', '{']) {
      for (const status of [400, 401, 403, 404, 409, 410, 422, 429, 500, 504]) expect(refusalError(secret, { status, text }).code).toMatch(/^STORE_/u);
    }
  });

  test('tells a kind that is not served from other trouble', () => {
    expect(isNotServed(refusalError(identity, { status: 404, text: '' }))).toBe(true);
    expect(isNotServed(refusalError(identity, { status: 503, text: '' }))).toBe(false);
    expect(isNotServed(undefined)).toBe(false);
  });
});

test('a Status inside a watch reads like an answer of that code', () => {
  expect(watchStatusError({ verb: 'watch', kind: 'Secret' }, { code: 429, message: 'slow down', details: { retryAfterSeconds: 2 } })).toMatchObject({ code: 'STORE_UNAVAILABLE', retryAfterMs: 2000 });
  expect(watchStatusError({ verb: 'watch', kind: 'Secret' }, {}).code).toBe('STORE_UNAVAILABLE');
});

describe('unreachableError', () => {
  test.each([
    ['ECONNREFUSED', 'nothing listens at https://api:6443. Is the API server running?'],
    ['ENOTFOUND', 'the name of the API server at https://api:6443 cannot be resolved'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'is not accepted (UNABLE_TO_VERIFY_LEAF_SIGNATURE). Check the certificate authority'],
    ['UND_ERR_SOCKET', 'the connection to the API server at https://api:6443 failed (UND_ERR_SOCKET)'],
  ])('%s', (code, words) => {
    const error = unreachableError(secret, 'https://api:6443', Object.assign(new Error('x'), { code }));
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toContain(words);
  });
});
