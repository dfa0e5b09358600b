/**
 * Tokens of other issuers: strict validation, and the keys that it needs, kept fresh. It decides about tokens and holds no
 * secret; what fetches over a network is given to it. Nothing here trusts what a token says about itself.
 */
export { readCompact, type UnverifiedToken } from './compact.ts';
export { isRefusal, type Accepted, type Refusal, type TokenDecision } from './decision.ts';
export { fetchKeySet, type FetchDocument, type FetchedDocument, type KeySetPlace } from './issuer-documents.ts';
export { IssuerKeys } from './issuer-keys.ts';
export { keysFor, readKeySet, type KeyUse } from './key-set.ts';
export { tokenAlgorithms, type IssuerRules, type RequiredClaim, type TokenAlgorithm } from './rules.ts';
export { verifyToken, type KeySource, type TrustedIssuer } from './verify-token.ts';
