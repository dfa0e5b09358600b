import { isMtlsdError } from '../errors/index.ts';
import { parseSpiffeId } from '../spiffe/index.ts';

/** A JWT-SVID before it is signed: what its two readable parts say. */
export interface TokenView {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** One thing that a JWT-SVID has to be. */
interface TokenRule {
  readonly id: string;
  /** What is wrong; undefined: it is in order. */
  readonly check: (token: TokenView) => string | undefined;
}

const headers: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isSecond = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** What the standards demand of a JWT-SVID, and what this house does. */
const rules: readonly TokenRule[] = [
  { id: 'SPIFFE-26', check: ({ header }) => (header['alg'] === 'ES256' || header['alg'] === 'RS256' ? undefined : 'alg is not one that we sign with') },
  { id: 'SPIFFE-27', check: ({ header }) => (isText(header['kid']) ? undefined : 'kid is missing') },
  { id: 'SPIFFE-27', check: ({ header }) => (header['typ'] === 'JWT' ? undefined : 'typ is not JWT') },
  { id: 'SPIFFE-27', check: ({ header }) => (Object.keys(header).every((name) => headers.has(name)) ? undefined : 'there is another header parameter') },
  { id: 'SPIFFE-28', check: ({ claims }) => (isWorkload(claims['sub']) ? undefined : 'sub is no SPIFFE ID of a workload') },
  { id: 'SPIFFE-28', check: ({ claims: { aud } }) => (Array.isArray(aud) && aud.length > 0 && aud.every(isText) ? undefined : 'aud names nobody') },
  { id: 'SPIFFE-28', check: ({ claims: { iat, exp } }) => (isSecond(iat) && isSecond(exp) && exp > iat ? undefined : 'exp is not after iat, in whole seconds') },
  // RFC 7519 §4.1.1: an issuer that verifiers find keys by is the https URL of a server.
  { id: 'RFC 7519 §4.1.1', check: ({ claims: { iss } }) => (iss === undefined || (isText(iss) && iss.startsWith('https://')) ? undefined : 'iss is no https URL') },
  { id: 'RFC 7519 §4.1.7', check: ({ claims }) => (isText(claims['jti']) ? undefined : 'jti is missing') },
];

/** Everything that is wrong with a token, as `rule: what`. */
export function lintToken(token: TokenView): readonly string[] {
  return rules.flatMap(({ id, check }) => {
    const wrong = check(token);
    return wrong === undefined ? [] : [`${id}: ${wrong}`];
  });
}

/** SPIFFE-7: the ID of a trust domain is no workload's. */
function isWorkload(sub: unknown): boolean {
  try {
    return isText(sub) && parseSpiffeId(sub).path !== '';
  } catch (error) {
    if (isMtlsdError(error)) return false;
    throw error;
  }
}
