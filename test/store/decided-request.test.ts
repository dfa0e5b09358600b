import { expect, test } from 'vitest';
import { withoutDecided } from '../../src/store/decided-request.ts';
import { selects } from '../../src/store/selection.ts';
import { watchedFromWire } from '../../src/store/kubernetes/wire-object.ts';

const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const spec = { signerName: 'mtlsd.io/x509-svid', podName: 'web-0', stubPKCS10Request: 'MII…', pkixPublicKey: null, proofOfPossession: null };
const open = { apiVersion: 'certificates.k8s.io/v1beta1', kind: 'PodCertificateRequest', metadata, spec, status: {} };
const decided = { ...open, status: { conditions: [{ type: 'Issued' }], certificateChain: 'PEM', notAfter: '2026-01-01T01:00:00Z' } };

test('a request is watched whole until it is decided, and without key and chain afterwards', () => {
  expect(withoutDecided(open)).toBe(open);
  for (const watched of [withoutDecided(decided), watchedFromWire('PodCertificateRequest', decided)]) {
    expect(watched).toMatchObject({ spec: { signerName: 'mtlsd.io/x509-svid', podName: 'web-0' }, status: { conditions: [{ type: 'Issued' }], notAfter: '2026-01-01T01:00:00Z' } });
    expect(JSON.stringify(watched)).not.toMatch(/stubPKCS10Request|pkixPublicKey|certificateChain/u);
  }
  expect(watchedFromWire('PodCertificateRequest', open)).toMatchObject({ apiVersion: 'certificates.k8s.io/v1', spec: { stubPKCS10Request: 'MII…' } });
});

test('a selector by field sees what has exactly that value there', () => {
  const ours = { fields: { 'spec.signerName': 'mtlsd.io/x509-svid' } };
  expect(selects(ours, open)).toBe(true);
  expect(selects({ ...ours, namespace: 'bank' }, open)).toBe(false);
  expect(selects({ fields: { 'spec.signerName': 'example.com/other' } }, open)).toBe(false);
  expect(selects({ fields: { 'spec.signerName.deeper': 'x' } }, open)).toBe(false);
  expect(selects(ours, { ...open, spec: undefined } as never)).toBe(false);
});
