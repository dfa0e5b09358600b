import { rule, type Rule } from './rule.ts';

export const authorityConstraintsRules: readonly Rule[] = [
  rule({
    id: 'SPIFFE-12.ca',
    appliesTo: ['authority'],
    severity: 'error',
    citation: 'X509-SVID §3.2, §4.1',
    description: 'An authority says that it is one.',
    remedy: 'Issue it with basicConstraints cA=true.',
    check: (view) => (view.basicConstraints?.ca === true ? undefined : 'is not marked as an authority (cA=true)'),
  }),
  rule({
    id: 'SPIFFE-12.critical',
    appliesTo: ['authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.2.1.9',
    description: 'The basicConstraints of an authority are critical.',
    remedy: 'Mark basicConstraints critical.',
    check: (view) => (view.basicConstraints?.critical === false ? 'has basicConstraints that are not critical' : undefined),
  }),
  rule({
    id: 'SPIFFE-12.cert-sign',
    appliesTo: ['authority'],
    severity: 'error',
    citation: 'X509-SVID §4.3',
    description: 'The key of an authority may sign certificates.',
    remedy: 'Issue it with keyCertSign in its keyUsage.',
    check: (view) => (view.keyUsage?.usages.has('keyCertSign') === true ? undefined : 'lacks keyCertSign in its keyUsage'),
  }),
  rule({
    id: 'SPIFFE-12.key-usage-critical',
    appliesTo: ['authority'],
    severity: 'error',
    citation: 'X509-SVID §4.3',
    description: 'The keyUsage of an authority is critical.',
    remedy: 'Mark keyUsage critical.',
    check: (view) => (view.keyUsage?.critical === false ? 'has a keyUsage that is not critical' : undefined),
  }),
];
