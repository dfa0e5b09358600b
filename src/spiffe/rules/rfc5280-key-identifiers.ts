import { extensionOids } from '../extensions.ts';
import type { CertificateView } from '../certificate-view.ts';
import { rule, type Rule } from './rule.ts';

/** Whether issuer and subject are one name: then there is no other key to identify. */
function isSelfIssued(view: CertificateView): boolean {
  return Buffer.compare(view.issuer.der, view.subject.der) === 0;
}

export const keyIdentifierRules: readonly Rule[] = [
  rule({
    id: 'RFC5280-subject-key-identifier',
    appliesTo: ['authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.2.1.2',
    description: 'An authority has a subject key identifier.',
    remedy: 'Issue it with subjectKeyIdentifier: readers find the right one of two authorities by it.',
    check: (view) => (view.subjectKeyIdentifier === undefined ? 'has no subject key identifier' : undefined),
  }),
  rule({
    id: 'RFC5280-leaf-subject-key-identifier',
    appliesTo: ['leaf'],
    severity: 'warning',
    citation: 'RFC 5280 §4.2.1.2',
    description: 'A leaf should have a subject key identifier.',
    remedy: 'Issue it with subjectKeyIdentifier.',
    check: (view) => (view.subjectKeyIdentifier === undefined ? 'has no subject key identifier' : undefined),
  }),
  rule({
    id: 'RFC5280-authority-key-identifier',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.2.1.1',
    description: 'Whatever another authority signed has an authority key identifier.',
    remedy: 'Issue it with authorityKeyIdentifier.',
    check: (view) =>
      view.authorityKeyIdentifier !== undefined || isSelfIssued(view) ? undefined : 'has no authority key identifier',
  }),
  rule({
    id: 'RFC5280-key-identifiers-not-critical',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.2.1.1, §4.2.1.2',
    description: 'Key identifiers are not critical.',
    remedy: 'Issue it with key identifiers that are not critical.',
    check: (view) => {
      const { subjectKeyIdentifier, authorityKeyIdentifier } = extensionOids;
      const critical = view.extensions.some(
        (extension) => extension.critical && (extension.oid === subjectKeyIdentifier || extension.oid === authorityKeyIdentifier),
      );
      return critical ? 'has a critical key identifier' : undefined;
    },
  }),
];
