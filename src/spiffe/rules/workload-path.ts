import { rule } from './rule.ts';

export const workloadPathRule = rule({
  id: 'SPIFFE-7',
  appliesTo: ['leaf'],
  severity: 'error',
  citation: 'X509-SVID §3.1',
  description: 'The SPIFFE ID of a workload has a path.',
  remedy: 'Issue it with a path, such as /ns/shop/sa/cart: an ID without one is the trust domain itself.',
  check: (view) => {
    const root = view.subjectAltName?.uris.find((uri) => /^spiffe:\/\/[^/]*\/?$/iu.test(uri));
    return root === undefined ? undefined : 'has the SPIFFE ID of a trust domain, without a path';
  },
});
