import { keyPurposes } from '../extensions.ts';
import { quote } from '../quote.ts';
import { parseSpiffeId, spiffeIdProblem, type SpiffeId } from '../spiffe-id.ts';
import { type Place, refusal } from './place.ts';
import type { Refusal } from './refusal.ts';

/** What the SPIFFE standards demand of a leaf beyond its path: SPIFFE-16, and the MUSTs of SPIFFE-8, SPIFFE-10 and SPIFFE-11. */
export function leafUsageRefusals(leaf: Place): readonly Refusal[] {
  const { basicConstraints, keyUsage, extendedKeyUsage, subject, subjectAltName } = leaf.view;
  const refusals: Refusal[] = [];
  if (basicConstraints?.ca === true) {
    refusals.push(refusal(leaf, 'LEAF_IS_AUTHORITY', 'SPIFFE-16', 'is marked as an authority (cA=true), which never authenticates a workload'));
  }
  for (const usage of ['keyCertSign', 'cRLSign'] as const) {
    if (keyUsage?.usages.has(usage)) refusals.push(refusal(leaf, 'LEAF_KEY_USAGE', 'SPIFFE-16', `has ${usage} in its keyUsage`));
  }
  if (keyUsage?.usages.has('digitalSignature') !== true) {
    refusals.push(refusal(leaf, 'LEAF_KEY_USAGE', 'SPIFFE-10', 'lacks digitalSignature in its keyUsage'));
  }
  if (keyUsage?.critical === false) refusals.push(refusal(leaf, 'LEAF_KEY_USAGE', 'SPIFFE-10', 'has a keyUsage that is not critical'));
  if (subject.empty && subjectAltName?.critical === false) {
    refusals.push(refusal(leaf, 'LEAF_SAN_NOT_CRITICAL', 'SPIFFE-8', 'has an empty subject and a subjectAltName that is not critical'));
  }
  const { serverAuth, clientAuth } = keyPurposes;
  if (extendedKeyUsage !== undefined && ![serverAuth, clientAuth].every((purpose) => extendedKeyUsage.usages.includes(purpose))) {
    refusals.push(refusal(leaf, 'LEAF_EXTENDED_KEY_USAGE', 'SPIFFE-11', 'has an extKeyUsage without both serverAuth and clientAuth'));
  }
  return refusals;
}

/** The one SPIFFE ID of a leaf, or why it has none: SPIFFE-16 (one URI, `spiffe` scheme, a path). */
export function leafIdentity(leaf: Place): SpiffeId | Refusal {
  const uris = leaf.view.subjectAltName?.uris ?? [];
  const [uri] = uris;
  if (uri === undefined || uris.length > 1) {
    const count = uri === undefined ? 'no URI' : `${uris.length} URIs`;
    return refusal(leaf, 'LEAF_URI_COUNT', 'SPIFFE-16', `has ${count} in its subject alternative name instead of exactly one`);
  }
  if (/^spiffe:\/\/[a-z0-9._-]+\/?$/u.test(uri)) {
    return refusal(leaf, 'LEAF_ROOT_PATH', 'SPIFFE-16', `has the SPIFFE ID ${quote(uri)} without a path, which no workload may have`);
  }
  const problem = spiffeIdProblem(uri);
  if (problem !== undefined) {
    const rule = problem.rule === 'SPIFFE-1' ? 'SPIFFE-16' : problem.rule;
    return refusal(leaf, 'LEAF_ID_INVALID', rule, `has the URI ${quote(uri)}, which is no SPIFFE ID: ${problem.sentence}`);
  }
  return parseSpiffeId(uri);
}
