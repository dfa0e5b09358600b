import { spiffeIdProblem } from '../spiffe-id.ts';
import { rule } from './rule.ts';

export const authoritySpiffeIdRule = rule({
  id: 'SPIFFE-13',
  appliesTo: ['authority'],
  severity: 'error',
  citation: 'X509-SVID §2, §3.2',
  description: 'If an authority carries a SPIFFE ID, that is its only URI, and the ID of a trust domain: without a path.',
  remedy: 'Issue it with spiffe://<trust domain> as its only URI, or with none.',
  check: (view) => {
    const uris = view.subjectAltName?.uris ?? [];
    const [id] = uris.filter((uri) => /^spiffe:/iu.test(uri));
    if (id === undefined) return undefined;
    if (uris.length > 1) return `has ${uris.length} URIs in its subject alternative name`;
    const problem = spiffeIdProblem(id);
    if (problem !== undefined) return `has a URI that is no SPIFFE ID: ${problem.sentence}`;
    return /^spiffe:\/\/[^/]*$/u.test(id) ? undefined : 'has a SPIFFE ID with a path';
  },
});
