import type { CertificateView } from '../certificate-view.ts';
import { publicKeyProblem, signatureAlgorithmProblem } from '../algorithms.ts';
import { serialNumberProblem } from '../serial-number.ts';
import { duplicateExtensions, extensionOids, keyPurposes, unknownCriticalExtensions } from '../extensions.ts';
import { parseSpiffeId, type SpiffeId, spiffeIdProblem } from '../spiffe-id.ts';
import { type Place, refusal } from './place.ts';
import type { Refusal } from './refusal.ts';

function isoTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace('.000Z', 'Z') : 'a time out of range';
}

/** RFC 5280 §4.1.2.5: from notBefore to notAfter, both included, and not a millisecond more. */
export function validityRefusals(place: Place, nowMs: number): readonly Refusal[] {
  const { notBeforeMs, notAfterMs } = place.view;
  const rule = 'RFC 5280 §6.1.3 (a)(2)';
  if (!(nowMs >= notBeforeMs)) {
    return [refusal(place, 'NOT_YET_VALID', rule, `is not valid before ${isoTime(notBeforeMs)}; it is ${isoTime(nowMs)}`)];
  }
  if (!(nowMs <= notAfterMs)) {
    return [refusal(place, 'EXPIRED', rule, `expired at ${isoTime(notAfterMs)}; it is ${isoTime(nowMs)}`)];
  }
  return [];
}

const keyIdentifiers: ReadonlySet<string> = new Set([extensionOids.subjectKeyIdentifier, extensionOids.authorityKeyIdentifier]);
const twoAlgorithms = 'names two different signature algorithms';

/** What holds for every certificate of a path, the root included. */
export function commonRefusals(place: Place): readonly Refusal[] {
  const { view } = place;
  const refusals: Refusal[] = [];
  const serial = serialNumberProblem(view.serialNumber);
  // RFC 5280 §4.1.2.2 asks readers to bear with 0: there are roots that have it, and nothing goes by it.
  const isRootOfZero = place.certificate === 'root' && /^0+$/u.test(view.serialNumber);
  if (serial !== undefined && !isRootOfZero) refusals.push(refusal(place, 'MALFORMED_FIELDS', 'RFC 5280 §4.1.2.2', serial));
  const unknown = unknownCriticalExtensions(view.extensions);
  if (unknown.length > 0) {
    refusals.push(refusal(place, 'MALFORMED_EXTENSIONS', 'RFC 5280 §4.2', `has unknown critical extensions (${unknown.join(', ')})`));
  }
  const twice = duplicateExtensions(view.extensions);
  if (twice.length > 0) {
    refusals.push(refusal(place, 'MALFORMED_EXTENSIONS', 'RFC 5280 §4.2', `has extensions more than once (${twice.join(', ')})`));
  }
  if (view.extensions.some(({ oid, critical }) => critical && keyIdentifiers.has(oid))) {
    refusals.push(refusal(place, 'MALFORMED_EXTENSIONS', 'RFC 5280 §4.2.1.1, §4.2.1.2', 'has a critical key identifier: readers differ on what to make of it'));
  }
  if (view.basicConstraints?.ca === false && view.basicConstraints.pathLength !== undefined) {
    refusals.push(refusal(place, 'MALFORMED_EXTENSIONS', 'RFC 5280 §4.2.1.9', 'has a path length and is no authority'));
  }
  if (!view.signatureAlgorithmsMatch) refusals.push(refusal(place, 'SIGNATURE_ALGORITHM', 'RFC 5280 §4.1.1.2', twoAlgorithms));
  const weak = publicKeyProblem(view.publicKey.algorithm);
  if (weak !== undefined) refusals.push(refusal(place, 'WEAK_KEY', 'NIST SP 800-131A §3', weak));
  return refusals;
}

/**
 * Why the way in which a certificate was signed proves nothing, or undefined. A root is trusted because the bundle names
 * it, so its own signature does not count.
 */
export function signingProblem(view: CertificateView): { readonly rule: string; readonly clause: string } | undefined {
  if (!view.signatureAlgorithmsMatch) return { rule: 'RFC 5280 §4.1.1.2', clause: twoAlgorithms };
  const clause = signatureAlgorithmProblem(view.signatureAlgorithm);
  return clause === undefined ? undefined : { rule: 'RFC 9155 §2', clause };
}

/** RFC 5280 §6.1.4 (k), (n), and what SPIFFE adds for the certificates above a leaf. */
export function authorityRefusals(place: Place, leafId: SpiffeId): readonly Refusal[] {
  const { view } = place;
  const refusals: Refusal[] = [];
  if (view.version !== 3 || view.basicConstraints?.ca !== true) {
    refusals.push(refusal(place, 'NOT_AN_AUTHORITY', 'RFC 5280 §6.1.4 (k)', 'is not marked as an authority (cA=true)'));
  }
  // RFC 5280 takes a missing keyUsage for every usage; SPIFFE-12 demands it.
  if (view.keyUsage?.usages.has('keyCertSign') !== true) {
    refusals.push(refusal(place, 'AUTHORITY_KEY_USAGE', 'RFC 5280 §6.1.4 (n), SPIFFE-12', 'lacks keyCertSign in its keyUsage'));
  }
  const purposes = view.extendedKeyUsage?.usages;
  const { any, serverAuth, clientAuth } = keyPurposes;
  if (purposes !== undefined && !purposes.includes(any) && !(purposes.includes(serverAuth) && purposes.includes(clientAuth))) {
    refusals.push(
      refusal(place, 'AUTHORITY_EXTENDED_KEY_USAGE', 'SPIFFE-15', 'has an extKeyUsage without both serverAuth and clientAuth: some readers refuse all that it signed'),
    );
  }
  return [...refusals, ...authorityIdRefusals(place, leafId)];
}

/** SPIFFE-13: an authority that carries a SPIFFE ID speaks for that trust domain alone. */
function authorityIdRefusals(place: Place, leafId: SpiffeId): readonly Refusal[] {
  const ids = (place.view.subjectAltName?.uris ?? []).filter((uri) => /^spiffe:/iu.test(uri));
  return ids.flatMap((uri) => {
    const problem = spiffeIdProblem(uri);
    if (problem !== undefined) return [refusal(place, 'AUTHORITY_ID', 'SPIFFE-13', `has a URI that is no SPIFFE ID: ${problem.sentence}`)];
    const id = parseSpiffeId(uri);
    if (id.path !== '') return [refusal(place, 'AUTHORITY_ID', 'SPIFFE-13', `has the SPIFFE ID ${uri}, whose path only a workload may have`)];
    if (id.trustDomain === leafId.trustDomain) return [];
    return [refusal(place, 'AUTHORITY_ID', 'SPIFFE-13', `is the authority of ${id.trustDomain}, not of ${leafId.trustDomain}`)];
  });
}
