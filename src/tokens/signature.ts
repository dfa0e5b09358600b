import { hash, type KeyObject } from 'node:crypto';
import { compactVerify, errors } from 'jose';
import type { TokenAlgorithm } from './rules.ts';

/** Of each key; those that were verified first are forgotten first, and verified again. */
const rememberedMax = 4_096;

/**
 * Tokens whose signature did verify, by key and SHA-256: callers show one token many times. What held once for these octets under
 * this key holds always. All that can change is asked anew each time: whether the issuer has the key, and what the claims say.
 */
const verified = new WeakMap<KeyObject, Set<string>>();

/** Whether `key` made the signature of a compact JWS that says to be of `algorithm`. */
export async function isSignedBy(key: KeyObject, token: string, algorithm: TokenAlgorithm): Promise<boolean> {
  const known = verified.get(key) ?? new Set();
  verified.set(key, known);
  const name = hash('sha256', token, 'base64');
  if (known.has(name)) return true;
  if (!(await verifies(key, token, algorithm))) return false;
  known.add(name);
  for (const oldest of known) {
    if (known.size <= rememberedMax) break;
    known.delete(oldest);
  }
  return true;
}

async function verifies(key: KeyObject, token: string, algorithm: TokenAlgorithm): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    // Whatever the library has against the token, it is not verified; what is no word of it about the token is a defect.
    if (!(error instanceof errors.JOSEError)) throw error;
    return false;
  }
}
