import { rule } from './rule.ts';

export const authorityExtendedKeyUsageRule = rule({
  id: 'SPIFFE-15',
  appliesTo: ['authority'],
  severity: 'warning',
  citation: 'X509-SVID §4.4',
  description: 'An authority has no extKeyUsage: libraries disagree on whether it restricts what the authority signs.',
  remedy: 'Issue it without extKeyUsage.',
  check: (view) => (view.extendedKeyUsage === undefined ? undefined : 'has an extKeyUsage'),
});
