import { MtlsdError } from '../errors/index.ts';
import { quote, shorten } from './quote.ts';

/** The name of a trust domain that keeps SPIFFE-2 and SPIFFE-5, such as `shop.example`. */
export type TrustDomainName = string & { readonly __brand: 'TrustDomainName' };

const nameBytesMax = 255;

/** What is wrong with `text` as the name of a trust domain, or undefined. The sentence says what to write instead. */
export function trustDomainProblem(text: string): { readonly rule: string; readonly sentence: string } | undefined {
  if (text === '') return { rule: 'SPIFFE-2', sentence: 'it is empty: name a trust domain, such as "shop.example"' };
  if (/^spiffe:/iu.test(text)) {
    return { rule: 'SPIFFE-2', sentence: 'it has a scheme: write the bare name, without "spiffe://"' };
  }
  if (text.length > nameBytesMax) {
    return { rule: 'SPIFFE-2', sentence: `it has ${text.length} characters: at most ${nameBytesMax} are allowed` };
  }
  if (/^[A-Za-z0-9._-]+$/u.test(text)) {
    if (text === text.toLowerCase()) return undefined;
    return { rule: 'SPIFFE-5', sentence: `it has upper-case letters: write "${text.toLowerCase()}"` };
  }
  const [strange = ''] = /[^A-Za-z0-9._-]/u.exec(text) ?? [];
  return { rule: 'SPIFFE-2', sentence: `${quote(strange)} is not allowed: use only a-z, 0-9, ".", "_" and "-"` };
}

/**
 * The trust domain that `text` names. Lower case only: the standard compares without case, but the parsers in use do not.
 *
 * @throws MtlsdError `SPIFFE_TRUST_DOMAIN_INVALID`
 */
export function parseTrustDomainName(text: string): TrustDomainName {
  const problem = trustDomainProblem(text);
  if (problem === undefined) return text as TrustDomainName;
  throw new MtlsdError('SPIFFE_TRUST_DOMAIN_INVALID', `Trust domain ${quote(text)} is refused: ${problem.sentence}.`, {
    details: { value: shorten(text), rule: problem.rule },
  });
}
