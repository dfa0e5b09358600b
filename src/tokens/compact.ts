import { refused, type Refusal } from './decision.ts';
import { tokenLimits } from './rules.ts';

/** The parts of a token that decide which rules it falls under. Nothing in it is verified yet. */
export interface UnverifiedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Keeps nothing between two texts; making one takes longer than using it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const part = /^[A-Za-z0-9_-]+$/u;

/** Splits a compact JWS (RFC 7515 §7.1) and decodes header and claims, within `tokenLimits`. */
export function readCompact(token: string): UnverifiedToken | Refusal {
  if (token.length > tokenLimits.lengthMax) return refused('too-large', `the token has ${token.length} characters: ${tokenLimits.lengthMax} are the limit`);
  const parts = token.split('.', 6);
  if (parts.length === 5) return refused('malformed', 'it is an encrypted token (five parts): only signed ones are accepted');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    return refused('malformed', 'it is no token in compact form: three parts with dots between them');
  }
  if (signature === '') return refused('unsigned', 'it has no signature');
  if (header.length > tokenLimits.headerLengthMax) return refused('too-large', `its header has ${header.length} characters: ${tokenLimits.headerLengthMax} are the limit`);
  if (![header, payload, signature].every((text) => part.test(text))) return refused('malformed', 'a part of it is not base64url without padding (RFC 7515 §2)');
  const decodedHeader = decodeObject(header);
  if (decodedHeader === undefined) return refused('malformed', 'its header is no JSON object');
  const claims = decodeObject(payload);
  if (claims === undefined) return refused('malformed', 'its claims are no JSON object');
  return { header: decodedHeader, claims };
}

function decodeObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json = utf8.decode(Buffer.from(text, 'base64url'));
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
