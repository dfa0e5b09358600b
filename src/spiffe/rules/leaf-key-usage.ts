import { rule, type Rule } from './rule.ts';

export const leafKeyUsageRules: readonly Rule[] = [
  rule({
    id: 'SPIFFE-10.critical',
    appliesTo: ['leaf'],
    severity: 'error',
    citation: 'X509-SVID §4.3',
    description: 'A leaf has a keyUsage, and it is critical.',
    remedy: 'Issue it with a critical keyUsage of digitalSignature.',
    check: (view) => {
      if (view.keyUsage === undefined) return 'has no keyUsage';
      return view.keyUsage.critical ? undefined : 'has a keyUsage that is not critical';
    },
  }),
  rule({
    id: 'SPIFFE-10.digital-signature',
    appliesTo: ['leaf'],
    severity: 'error',
    citation: 'X509-SVID §4.3',
    description: 'The key of a leaf may make signatures: TLS 1.3 needs that.',
    remedy: 'Issue it with digitalSignature in its keyUsage.',
    check: (view) =>
      view.keyUsage === undefined || view.keyUsage.usages.has('digitalSignature') ? undefined : 'lacks digitalSignature in its keyUsage',
  }),
  rule({
    id: 'SPIFFE-10.no-signing',
    appliesTo: ['leaf'],
    severity: 'error',
    citation: 'X509-SVID §4.3',
    description: 'The key of a leaf signs neither certificates nor CRLs.',
    remedy: 'Issue it without keyCertSign and cRLSign.',
    check: (view) => {
      const usage = (['keyCertSign', 'cRLSign'] as const).find((usage) => view.keyUsage?.usages.has(usage));
      return usage === undefined ? undefined : `has ${usage} in its keyUsage`;
    },
  }),
  rule({
    id: 'SPIFFE-10.noise',
    appliesTo: ['leaf'],
    severity: 'warning',
    citation: 'X509-SVID §4.3',
    description: 'keyEncipherment and keyAgreement say nothing about an ECDSA or Ed25519 key.',
    remedy: 'Issue it with digitalSignature alone.',
    check: (view) => {
      if (!/^EC|^ED/u.test(view.publicKey.algorithm)) return undefined;
      const usage = (['keyEncipherment', 'keyAgreement'] as const).find((usage) => view.keyUsage?.usages.has(usage));
      return usage === undefined ? undefined : `has ${usage} for a key that is ${view.publicKey.algorithm}`;
    },
  }),
];
