import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/**
 * JSON in the one form that RFC 8785 (JCS) gives it: keys sorted, no white space, one spelling of strings and numbers. So equal
 * documents are equal bytes, and anybody can make those bytes again.
 */
export function canonicalJson(value: object): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('invariant broken: an object has a canonical form');
  return text;
}

/** SHA-256, hexadecimal, over the canonical form. */
export function digestOf(value: unknown): string {
  return hash('sha256', canonicalize(value) ?? '', 'hex');
}
