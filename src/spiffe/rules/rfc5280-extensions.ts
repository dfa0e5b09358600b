import { duplicateExtensions, unknownCriticalExtensions } from '../extensions.ts';
import { rule, type Rule } from './rule.ts';

export const extensionRules: readonly Rule[] = [
  rule({
    id: 'RFC5280-unknown-critical-extension',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.2',
    description: 'Every critical extension is one that readers of an X.509-SVID understand.',
    remedy: 'Issue it without that extension, or not critical.',
    check: (view) => {
      const unknown = unknownCriticalExtensions(view.extensions);
      return unknown.length === 0 ? undefined : `has unknown critical extensions (${unknown.join(', ')})`;
    },
  }),
  rule({
    id: 'RFC5280-duplicate-extension',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.2',
    description: 'No extension stands twice.',
    remedy: 'Issue it with each extension once.',
    check: (view) => {
      const twice = duplicateExtensions(view.extensions);
      return twice.length === 0 ? undefined : `has extensions more than once (${twice.join(', ')})`;
    },
  }),
];
