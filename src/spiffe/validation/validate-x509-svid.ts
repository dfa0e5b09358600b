import type { CertificateView } from '../certificate-view.ts';
import type { SpiffeId } from '../spiffe-id.ts';
import type { TrustDomainName } from '../trust-domain.ts';
import { commonRefusals, signingProblem, validityRefusals } from './certificate.ts';
import { leafIdentity, leafUsageRefusals } from './leaf.ts';
import { buildPath, pathRefusals, type VerifySignature } from './path.ts';
import { type Place, presented, refusal } from './place.ts';
import type { Refusal, Refused, Validated } from './refusal.ts';

/** Presented certificates, the leaf included: what strangers may make us compute is bounded. */
const chainLengthMax = 8;

/** What one trust domain is trusted by. */
export interface RootsOfTrustDomain {
  readonly trustDomain: TrustDomainName;
  readonly roots: readonly CertificateView[];
}

export interface ValidationOptions {
  /** Milliseconds since the epoch. There is no leeway: issuers backdate, validators do not stretch. */
  readonly nowMs: number;
  readonly verifySignature: VerifySignature;
  /** Refuse every other SPIFFE ID. */
  readonly expectedId?: SpiffeId;
}

/** Each reason once: what is wrong with a link may be wrong with the leaf alone too. */
function refused(reasons: readonly Refusal[]): Refused {
  const distinct = new Map(reasons.map((reason) => [reason.sentence, reason]));
  return { valid: false, reasons: [...distinct.values()] };
}

function wholeChain(code: Refusal['code'], rule: string, sentence: string): Refused {
  return refused([{ code, rule, certificate: 'chain', sentence }]);
}

/** What can be said of a leaf alone, so that a chain that leads nowhere still tells it. */
function leafAlone(leaf: Place, nowMs: number): readonly Refusal[] {
  const signing = signingProblem(leaf.view);
  const unsound = signing === undefined ? [] : [refusal(leaf, 'SIGNATURE_ALGORITHM', signing.rule, signing.clause)];
  return [...validityRefusals(leaf, nowMs), ...commonRefusals(leaf), ...unsound];
}

/**
 * Strict validation of an X.509-SVID: RFC 5280 §6 along the presented certificates, then what SPIFFE demands of the leaf
 * (SPIFFE-16). Only the bundle of the leaf's own trust domain counts (SPIFFE-17): for another one, no signature is tried.
 *
 * Stricter than most libraries, on purpose: the chain is taken exactly as presented (leaf first, no certificate that is not
 * part of the path, at most 8; the root may stand last if the bundle has it), roots must be within their validity and keep
 * their own constraints, keys below 2,048 bits of RSA and signatures by SHA-1, MD5 or RSA-PSS are refused, and so are name
 * constraints of a type that cannot be applied. A missing basicConstraints in the leaf is cA=false, as RFC 5280 reads it.
 *
 * @returns the SPIFFE ID and the path, or every reason that could be told, each with its rule and its certificate
 */
export function validateX509Svid(chain: readonly CertificateView[], bundle: RootsOfTrustDomain, options: ValidationOptions): Validated | Refused {
  const { nowMs, verifySignature, expectedId } = options;
  const [first] = chain;
  if (first === undefined) return wholeChain('CHAIN_EMPTY', 'RFC 5280 §6.1', 'There is no certificate.');
  if (chain.length > chainLengthMax) {
    return wholeChain('CHAIN_TOO_LONG', 'RFC 5280 §6.1', `The chain has ${chain.length} certificates, more than ${chainLengthMax}.`);
  }
  const leaf = presented(first, 0);
  const usage = leafUsageRefusals(leaf);
  const id = leafIdentity(leaf);
  // Without an identity there is no trust domain, and so no bundle that could count.
  if ('code' in id) return refused([id, ...usage, ...leafAlone(leaf, nowMs)]);
  if (id.trustDomain !== bundle.trustDomain) {
    const clause = `is of the trust domain ${id.trustDomain}, and the bundle is that of ${bundle.trustDomain}`;
    return refused([refusal(leaf, 'WRONG_TRUST_DOMAIN', 'SPIFFE-17', clause), ...usage, ...leafAlone(leaf, nowMs)]);
  }
  const identity = [...wrongId(leaf, id, expectedId), ...usage];
  if (bundle.roots.length === 0) {
    const sentence = `The bundle of ${bundle.trustDomain} has no X.509 roots: nothing of that trust domain is trusted.`;
    return refused([{ code: 'NO_ROOTS', rule: 'SPIFFE-18', certificate: 'chain', sentence }, ...identity, ...leafAlone(leaf, nowMs)]);
  }
  const built = buildPath(chain, bundle.roots, verifySignature);
  if ('refusals' in built) return refused([...built.refusals, ...identity, ...leafAlone(leaf, nowMs)]);
  const reasons = [...identity, ...pathRefusals(built.path, id, nowMs)];
  if (reasons.length > 0) return refused(reasons);
  const path = built.path.map((place) => place.view);
  return { valid: true, spiffeId: id, path, validUntilMs: Math.min(...path.map((view) => view.notAfterMs)) };
}

function wrongId(leaf: Place, id: SpiffeId, expectedId: SpiffeId | undefined): readonly Refusal[] {
  if (expectedId === undefined || id.toString() === expectedId.toString()) return [];
  return [refusal(leaf, 'WRONG_ID', 'expected SPIFFE ID', `is ${id.toString()}, and ${expectedId.toString()} is expected`)];
}
