/**
 * What the SPIFFE standards say, as code: IDs, X.509-SVIDs, bundles, and how an X.509-SVID is validated. Untrusted text
 * becomes a typed value here once; whoever holds a `SpiffeId`, a `TrustDomainName` or a `DnsName` need not check it again.
 * Everything is a pure function of its arguments: no clock, no randomness, no files, no network, and no DER parser:
 * certificates come in as `CertificateView`. Rules are numbered as `SPIFFE-6`; RFC 5280 rules carry their clause.
 */
export { signatureAlgorithmOids } from './algorithms.ts';
export type { JwtBundleKey, PublicJwk, SpiffeBundle } from './bundle.ts';
export { encodeSpiffeBundle } from './bundle-encode.ts';
export { parseSpiffeBundle } from './bundle-parse.ts';
export type * from './certificate-view.ts';
export { type DnsName, parseDnsName } from './dns-name.ts';
export { extensionOids, keyPurposes } from './extensions.ts';
export { expandPathTemplate, externalSegment } from './path-template.ts';
export { parseSpiffeId, requireSpiffeId, SpiffeId, workloadSpiffeId } from './spiffe-id.ts';
export { parseTrustDomainName, type TrustDomainName } from './trust-domain.ts';
export { authorityRules, type Finding, leafRules, lint } from './rules/index.ts';
export type { Role, Rule } from './rules/rule.ts';
export { linkProblem } from './validation/path.ts';
export type { Refusal, Refused, Validated } from './validation/refusal.ts';
export { validateX509Svid, type ValidationOptions } from './validation/validate-x509-svid.ts';
