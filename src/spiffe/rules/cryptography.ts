import { publicKeyProblem, signatureAlgorithmProblem } from '../algorithms.ts';
import { rule, type Rule } from './rule.ts';

export const cryptographyRules: readonly Rule[] = [
  rule({
    id: 'RFC5280-signature-algorithms-match',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 5280 §4.1.1.2, §4.1.2.3',
    description: 'The signature algorithm stands twice in a certificate, and both are the same.',
    remedy: 'Issue it anew: what is signed must say how.',
    check: (view) => (view.signatureAlgorithmsMatch ? undefined : 'names two different signature algorithms'),
  }),
  rule({
    id: 'HOUSE-signature-algorithm',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'RFC 9155 §2, NIST SP 800-131A §3',
    description: 'The signature is ECDSA or RSA with SHA-2, or Ed25519.',
    remedy: 'Have it signed with SHA-256 or better.',
    check: (view) => signatureAlgorithmProblem(view.signatureAlgorithm),
  }),
  rule({
    id: 'HOUSE-key-strength',
    appliesTo: ['leaf', 'authority'],
    severity: 'error',
    citation: 'NIST SP 800-131A §3, SP 800-186 §3.2',
    description: 'The key is P-256, P-384, P-521, Ed25519, or RSA of 2,048 to 8,192 bits.',
    remedy: 'Make a new key of one of these sorts.',
    check: (view) => publicKeyProblem(view.publicKey.algorithm),
  }),
];
