import type { CertificateView } from '../certificate-view.ts';
import type { SpiffeId } from '../spiffe-id.ts';
import { authorityRefusals, commonRefusals, signingProblem, validityRefusals } from './certificate.ts';
import { nameConstraintsProblem } from './name-constraints.ts';
import { type Place, presented, refusal, root } from './place.ts';
import type { Refusal } from './refusal.ts';

/** Whether `child` is signed by the key in `issuer`. */
export type VerifySignature = (child: CertificateView, issuer: CertificateView) => boolean;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function isSelfIssued(view: CertificateView): boolean {
  return sameBytes(view.issuer.der, view.subject.der);
}

/** Key identifiers are hints: only two that are both there and differ rule an issuer out (RFC 5280 §4.2.1.1). */
function keyIdentifiersFit(child: CertificateView, issuer: CertificateView): boolean {
  const wanted = child.authorityKeyIdentifier;
  const offered = issuer.subjectKeyIdentifier;
  return wanted === undefined || offered === undefined || wanted === offered;
}

/** How a link of a chain is broken; `clause` goes on from the name of the lower certificate. */
export interface LinkProblem {
  readonly code: 'ISSUER_MISMATCH' | 'KEY_IDENTIFIER_MISMATCH' | 'SIGNATURE_ALGORITHM' | 'SIGNATURE_INVALID';
  readonly rule: string;
  readonly clause: string;
}

/** Why no key made the signature of `child`, or why none of the keys that were tried did. */
function signatureProblem(child: CertificateView): LinkProblem {
  const problem = signingProblem(child);
  if (problem !== undefined) return { code: 'SIGNATURE_ALGORITHM', ...problem };
  return { code: 'SIGNATURE_INVALID', rule: 'RFC 5280 §6.1.3 (a)(1)', clause: 'does not carry a valid signature of its issuer' };
}

/** Whether the signature of `child` proves that `issuer` made it: a sound algorithm, and the key of `issuer`. */
function isSignedBy(child: CertificateView, issuer: CertificateView, verifySignature: VerifySignature): boolean {
  return signingProblem(child) === undefined && verifySignature(child, issuer);
}

/** Why `issuer` did not issue `child`, or undefined when it did: name, key identifier, signature, in this order. */
export function linkProblem(child: CertificateView, issuer: CertificateView, verifySignature: VerifySignature): LinkProblem | undefined {
  if (child.issuer.empty || !sameBytes(child.issuer.der, issuer.subject.der)) {
    const clause = `was issued by ${child.issuer.text || 'nobody named'}, which is not the next certificate of the chain`;
    return { code: 'ISSUER_MISMATCH', rule: 'RFC 5280 §6.1.3 (a)(4)', clause };
  }
  if (!keyIdentifiersFit(child, issuer)) {
    const clause = 'names another key of its issuer (authority key identifier) than the next certificate has';
    return { code: 'KEY_IDENTIFIER_MISMATCH', rule: 'RFC 5280 §4.2.1.1', clause };
  }
  return isSignedBy(child, issuer, verifySignature) ? undefined : signatureProblem(child);
}

function refusalOf(child: Place, problem: LinkProblem): Refusal {
  return refusal(child, problem.code, problem.rule, problem.clause);
}

function linkRefusals(child: Place, issuer: Place, verifySignature: VerifySignature): readonly Refusal[] {
  const problem = linkProblem(child.view, issuer.view, verifySignature);
  return problem === undefined ? [] : [refusalOf(child, problem)];
}

/** The path from a leaf to the root that it ends at, or why there is none. */
export type BuiltPath = { readonly path: readonly Place[] } | { readonly refusals: readonly Refusal[] };

/** The root of the bundle that issued the last presented certificate, or why none did. */
function anchorOf(last: Place, roots: readonly CertificateView[], verifySignature: VerifySignature): Place | Refusal {
  const named = roots.filter((candidate) => !last.view.issuer.empty && sameBytes(candidate.subject.der, last.view.issuer.der));
  const fitting = named.filter((candidate) => keyIdentifiersFit(last.view, candidate));
  const found = fitting.find((candidate) => isSignedBy(last.view, candidate, verifySignature));
  if (found !== undefined) return root(found);
  const rule = 'RFC 5280 §6.1.1 (d), SPIFFE-17';
  const issuer = last.view.issuer.text || 'nobody named';
  if (!last.view.issuer.empty && isSelfIssued(last.view)) {
    return refusal(last, 'UNTRUSTED_ROOT', rule, 'issued itself, and is no root of the bundle');
  }
  if (named.length === 0) return refusal(last, 'UNTRUSTED_ROOT', rule, `was issued by ${issuer}, which is no root of the bundle`);
  if (fitting.length === 0) {
    return refusal(last, 'UNTRUSTED_ROOT', rule, `was issued by another key of ${issuer} than the roots of that name in the bundle have`);
  }
  return refusalOf(last, signatureProblem(last.view));
}

/**
 * Builds the path strictly in the presented order: each certificate is issued by the next, the last by a root of the
 * bundle. The root itself may stand at the end if it is, byte for byte, one of the bundle. Nothing is searched for, skipped
 * or reordered: a certificate that is not part of the path is refused, since a reader that takes it in would trust another
 * path than the one that was checked.
 */
export function buildPath(chain: readonly CertificateView[], roots: readonly CertificateView[], verifySignature: VerifySignature): BuiltPath {
  const places = chain.map(presented);
  const top = places.at(-1);
  const presentedRoot = places.length > 1 ? roots.find((candidate) => top !== undefined && sameBytes(candidate.der, top.view.der)) : undefined;
  const below = presentedRoot === undefined ? places : places.slice(0, -1);
  const refusals = below.slice(1).flatMap((issuer, index) => linkRefusals(below[index] ?? issuer, issuer, verifySignature));
  const last = below.at(-1);
  if (last === undefined) return { refusals };
  const anchor = anchorOf(last, presentedRoot === undefined ? roots : [presentedRoot], verifySignature);
  if ('code' in anchor) return { refusals: [...refusals, anchor] };
  return refusals.length > 0 ? { refusals } : { path: [...below, anchor] };
}

/** RFC 5280 §6.1.4 (l), (m): self-issued certificates do not count, and neither does the leaf. */
function pathLengthRefusals(path: readonly Place[]): readonly Refusal[] {
  let below = 0;
  const refusals: Refusal[] = [];
  for (const place of path.slice(1)) {
    const limit = place.view.basicConstraints?.pathLength;
    if (limit !== undefined && below > limit) {
      const clause = `allows ${limit} authorities below it (path length), and there are ${below}`;
      refusals.push(refusal(place, 'PATH_TOO_LONG', 'RFC 5280 §6.1.4 (l), (m)', clause));
    }
    if (!isSelfIssued(place.view)) below += 1;
  }
  return refusals;
}

/** RFC 5280 §6.1.3 (b), (c): each authority limits the names of all below it, the root included (§6.2). */
function nameConstraintsRefusals(path: readonly Place[]): readonly Refusal[] {
  return path.flatMap((authority, height) => {
    const constraints = authority.view.nameConstraints;
    if (constraints === undefined) return [];
    return path.slice(0, height).flatMap((place, index) => {
      if (index > 0 && isSelfIssued(place.view)) return [];
      const { uris = [], dnsNames = [], emails = [] } = place.view.subjectAltName ?? {};
      const problem = nameConstraintsProblem(constraints, { uris, dnsNames, emails });
      if (problem === undefined) return [];
      return [refusal(place, 'NAME_CONSTRAINTS', 'RFC 5280 §6.1.3 (b), (c)', `breaks the name constraints of ${authority.view.subject.text}: ${problem}`)];
    });
  });
}

/** Everything that a built path must keep, beyond that its links hold. */
export function pathRefusals(path: readonly Place[], leafId: SpiffeId, nowMs: number): readonly Refusal[] {
  return [
    ...path.flatMap((place) => [...validityRefusals(place, nowMs), ...commonRefusals(place)]),
    ...path.slice(1).flatMap((place) => authorityRefusals(place, leafId)),
    ...pathLengthRefusals(path),
    ...nameConstraintsRefusals(path),
  ];
}
