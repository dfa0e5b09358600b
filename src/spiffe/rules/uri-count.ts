import { rule } from './rule.ts';

export const uriCountRule = rule({
  id: 'SPIFFE-6',
  appliesTo: ['leaf'],
  severity: 'error',
  citation: 'X509-SVID §2',
  description: 'The subject alternative name holds exactly one URI, whatever its scheme.',
  remedy: 'Issue it with the SPIFFE ID as its only URI; other identities need certificates of their own.',
  check: (view) => {
    const count = view.subjectAltName?.uris.length ?? 0;
    if (count === 1) return undefined;
    return count === 0 ? 'has no URI in its subject alternative name' : `has ${count} URIs in its subject alternative name`;
  },
});
