import { rule, type Rule } from './rule.ts';

export const leafBasicConstraintsRules: readonly Rule[] = [
  rule({
    id: 'SPIFFE-9',
    appliesTo: ['leaf'],
    severity: 'error',
    citation: 'X509-SVID §4.1',
    description: 'A leaf says that it is no authority.',
    remedy: 'Issue it with basicConstraints cA=false: whoever holds a leaf with cA=true can issue any identity.',
    check: (view) => (view.basicConstraints?.ca === true ? 'is marked as an authority (cA=true)' : undefined),
  }),
  rule({
    id: 'SPIFFE-9.explicit',
    appliesTo: ['leaf'],
    severity: 'warning',
    citation: 'X509-SVID §4.1',
    description: 'A leaf says so by a basicConstraints extension: some clients refuse one that leaves it out.',
    remedy: 'Issue it with an explicit basicConstraints extension.',
    check: (view) => (view.basicConstraints === undefined ? 'has no basicConstraints' : undefined),
  }),
  rule({
    id: 'SPIFFE-9.path-length',
    appliesTo: ['leaf'],
    severity: 'error',
    citation: 'RFC 5280 §4.2.1.9',
    description: 'A path length belongs to authorities only.',
    remedy: 'Issue it without a path length.',
    check: (view) => {
      const constraints = view.basicConstraints;
      return constraints?.ca === false && constraints.pathLength !== undefined ? 'has a path length and is no authority' : undefined;
    },
  }),
];
