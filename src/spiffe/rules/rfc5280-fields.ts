import { serialNumberProblem } from '../serial-number.ts';
import { rule, type Rule } from './rule.ts';

/** The fields of TBSCertificate that are no extensions. */
export const fieldRules: readonly Rule[] = [
  rule({
    id: 'RFC5280-version',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.1.2.1',
    description: 'The version is 3: only that has extensions.',
    remedy: 'Issue it as version 3.',
    check: (view) => (view.version === 3 ? undefined : `has version ${view.version}`),
  }),
  rule({
    id: 'RFC5280-serial',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.1.2.2',
    description: 'The serial number is positive and has at most 20 octets.',
    remedy: 'Issue it with a random serial number of 16 octets.',
    check: (view) => serialNumberProblem(view.serialNumber),
  }),
  rule({
    id: 'RFC5280-issuer',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.1.2.4',
    description: 'The issuer is not empty.',
    remedy: 'Issue it by an authority that has a subject.',
    check: (view) => (view.issuer.empty ? 'has an empty issuer' : undefined),
  }),
  rule({
    id: 'RFC5280-authority-subject',
    appliesTo: ['authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.1.2.6',
    description: 'The subject of an authority is not empty: chains are built by it.',
    remedy: 'Issue it with a subject of its own.',
    check: (view) => (view.subject.empty ? 'has an empty subject' : undefined),
  }),
  rule({
    id: 'RFC5280-validity',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.1.2.5',
    description: 'It ends after it begins.',
    remedy: 'Issue it with a notAfter behind its notBefore.',
    check: (view) => (view.notBeforeMs < view.notAfterMs ? undefined : 'ends before it begins'),
  }),
];
