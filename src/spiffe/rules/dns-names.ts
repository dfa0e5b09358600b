import { dnsNameProblem } from '../dns-name.ts';
import { quote } from '../quote.ts';
import { rule, type Rule } from './rule.ts';

export const dnsNamesRules: readonly Rule[] = [
  rule({
    id: 'HOUSE-dns-names',
    appliesTo: ['leaf'],
    severity: 'warning',
    citation: 'RFC 5280 §4.2.1.6, RFC 9525 §6.3',
    description: 'DNS names are whole host names in lower-case ASCII: no wildcard, no address, no trailing dot.',
    remedy: 'Issue it with each name that is served, spelled out.',
    check: (view) => {
      for (const name of view.subjectAltName?.dnsNames ?? []) {
        const problem = dnsNameProblem(name);
        if (problem !== undefined) return `has the DNS name ${quote(name)}: ${problem}`;
      }
      return undefined;
    },
  }),
  rule({
    id: 'HOUSE-distinct-dns-names',
    appliesTo: ['leaf'],
    severity: 'warning',
    citation: 'RFC 5280 §4.2.1.6',
    description: 'No DNS name stands twice.',
    remedy: 'Issue it with each name once.',
    check: (view) => {
      const names = view.subjectAltName?.dnsNames ?? [];
      const repeated = names.find((name, index) => names.indexOf(name) !== index);
      return repeated === undefined ? undefined : `has the DNS name ${quote(repeated)} more than once`;
    },
  }),
];
