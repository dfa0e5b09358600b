import { X509Certificate } from 'node:crypto';
import { MtlsdError } from '../errors/index.ts';
import { bundleBytesMax, bundleElementsMax, type JwtBundleKey, type PublicJwk, refreshHintSecondsMax, sequenceMax, type SpiffeBundle } from './bundle.ts';

/** `JSON.rawJSON` writes a number beyond 2^53 digit by digit; the compiler's library does not know it yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => object };

function publicMembers(jwk: PublicJwk): PublicJwk {
  return jwk.kty === 'EC' ? { kty: 'EC', crv: jwk.crv, x: jwk.x, y: jwk.y } : { kty: 'RSA', n: jwk.n, e: jwk.e };
}

/** SPIFFE-21 and 22; the key's own members stand beside the certificate because some readers want both and compare. */
function x509Element(der: Uint8Array): object {
  const { kty, crv, x, y, n, e } = new X509Certificate(der).publicKey.export({ format: 'jwk' });
  return { kty, use: 'x509-svid', crv, x, y, n, e, x5c: [Buffer.from(der).toString('base64')] };
}

function jwtElement(key: JwtBundleKey): object {
  return { ...publicMembers(key.jwk), use: 'jwt-svid', kid: key.keyId };
}

/** Sorted and without repetitions, so that one content has one text. */
function distinctRoots(roots: readonly Uint8Array[]): readonly Uint8Array[] {
  const sorted = [...roots].sort((a, b) => Buffer.compare(a, b));
  return sorted.filter((root, index) => index === 0 || Buffer.compare(root, sorted[index - 1] ?? root) !== 0);
}

function checkNumbers(bundle: SpiffeBundle): void {
  const refuse = (rule: string, sentence: string): never => {
    throw new MtlsdError('SPIFFE_BUNDLE_INVALID', `The bundle of ${bundle.trustDomain} cannot be written: ${sentence} (${rule}).`, {
      details: { trustDomain: bundle.trustDomain, rule },
    });
  };
  if (bundle.sequence < 0n || bundle.sequence > sequenceMax) refuse('SPIFFE-19', `sequence ${bundle.sequence} is outside 0 to ${sequenceMax}`);
  const hint = bundle.refreshHintSeconds;
  if (hint !== undefined && !(Number.isInteger(hint) && hint >= 0 && hint <= refreshHintSecondsMax)) {
    refuse('SPIFFE-20', `refresh hint ${hint} is no number of whole seconds from 0 to ${refreshHintSecondsMax}`);
  }
  if (bundle.x509Roots.length + bundle.jwtKeys.length > bundleElementsMax) refuse('SPIFFE-18', `it has more than ${bundleElementsMax} elements`);
  const keyIds = bundle.jwtKeys.map((key) => key.keyId);
  if (keyIds.includes('') || new Set(keyIds).size !== keyIds.length) refuse('SPIFFE-23', 'its JWT keys need a kid each, all different');
}

/**
 * The SPIFFE bundle document (a JWK Set, SPIFFE-18 to 24) of `bundle`: the same bytes for the same content, whatever the
 * order of its keys.
 *
 * @throws MtlsdError `SPIFFE_BUNDLE_INVALID` when it has a number out of range, too many elements, or key IDs that are not distinct
 */
export function encodeSpiffeBundle(bundle: SpiffeBundle): string {
  checkNumbers(bundle);
  const jwtKeys = [...bundle.jwtKeys].sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
  const text = JSON.stringify(
    {
      keys: [...distinctRoots(bundle.x509Roots).map(x509Element), ...jwtKeys.map(jwtElement)],
      spiffe_sequence: rawJSON(String(bundle.sequence)),
      spiffe_refresh_hint: bundle.refreshHintSeconds,
    },
    undefined,
    2,
  );
  if (text.length < bundleBytesMax) return `${text}\n`;
  throw new MtlsdError('SPIFFE_BUNDLE_INVALID', `The bundle of ${bundle.trustDomain} cannot be written: it exceeds ${bundleBytesMax} bytes.`, {
    details: { trustDomain: bundle.trustDomain, rule: 'SPIFFE-18' },
  });
}
