import { rule } from './rule.ts';

export const criticalSanRule = rule({
  id: 'SPIFFE-8',
  appliesTo: ['leaf', 'authority'],
  severity: 'error',
  citation: 'X509-SVID §3.1, RFC 5280 §4.2.1.6',
  description: 'An empty subject makes the subject alternative name critical.',
  remedy: 'Mark the subject alternative name critical, or give the certificate a subject.',
  check: (view) =>
    view.subject.empty && view.subjectAltName?.critical === false
      ? 'has an empty subject and a subject alternative name that is not critical'
      : undefined,
});
