/**
 * Request → policy → profile → lint → sign. Nothing is signed that was not granted by `decide`, nothing by a template that
 * was not linted, nothing without a lease for the authority's epoch. Pure but for the signer that it is given.
 */
export { Issuer, type IssuedSvid } from './issuer.ts';
export { JwtIssuer, type IssuedToken } from './jwt-issuer.ts';
export { decideToken, type TokenGrant, type TokenPolicy, type TokenSubject } from './jwt-policy.ts';
export { decide, decideExternal, type Decision, type Denial, type Grant, type IdentityRequest, type IssuancePolicy } from './policy.ts';
