import { rule, type Rule } from './rule.ts';

export const nameConstraintsRules: readonly Rule[] = [
  rule({
    id: 'SPIFFE-14.critical',
    appliesTo: ['authority'],
    severity: 'error',
    citation: 'X509-SVID §4.2, RFC 5280 §4.2.1.10',
    description: 'Name constraints of an authority are critical.',
    remedy: 'Mark nameConstraints critical.',
    check: (view) => (view.nameConstraints?.critical === false ? 'has name constraints that are not critical' : undefined),
  }),
  rule({
    id: 'SPIFFE-14.types',
    appliesTo: ['authority'],
    severity: 'warning',
    citation: 'X509-SVID §4.2',
    description: 'Name constraints are about URIs and DNS names: a reader that cannot apply another type refuses the chain.',
    remedy: 'Constrain URIs and DNS names only.',
    check: (view) => {
      const others = view.nameConstraints?.others ?? 0;
      return others === 0 ? undefined : `has ${others} name constraints that are about neither URIs nor DNS names`;
    },
  }),
  rule({
    id: 'SPIFFE-14.authority-only',
    appliesTo: ['leaf'],
    severity: 'error',
    citation: 'X509-SVID §4.2, RFC 5280 §4.2.1.10',
    description: 'Name constraints belong to authorities only.',
    remedy: 'Issue it without nameConstraints.',
    check: (view) => (view.nameConstraints === undefined ? undefined : 'has name constraints and is a leaf'),
  }),
];
