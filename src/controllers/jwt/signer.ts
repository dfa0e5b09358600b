import { decideToken, type Denial, type IssuedToken, type TokenGrant } from '../../issuance/index.ts';
import { renewalTimeMs } from '../../rotation/index.ts';
import { SerialNumbers } from '../../x509/index.ts';
import type { ControllerContext } from '../context.ts';
import { askedTtlMs, identityOfCaller, type CallerIdentitySources, type CsrCaller, type NoIdentity } from '../csr/caller.ts';
import type { DomainState } from '../domains.ts';

/** What is asked for. */
export interface TokenWish {
  readonly caller: CsrCaller;
  /** For whom the token is. */
  readonly audience: readonly string[];
  /** Which WorkloadIdentity; undefined: the oldest that is for the caller. */
  readonly identity: string | undefined;
  /** A duration; undefined: as the trust domain says. */
  readonly ttl: string | undefined;
  readonly requestId: string;
}

/** A token that was signed, with what its holder needs. Times in milliseconds since the epoch. */
export interface TokenSvid extends Omit<IssuedToken, 'tokenId'> {
  /** When to ask for the next one. */
  readonly refreshAtMs: number;
}

/** Why nothing was signed. */
export interface TokenRefusal {
  readonly code: NoIdentity['code'] | 'API_JWT_REFUSED' | 'API_JWT_OFF' | 'API_JWT_ISSUER_TAKEN';
  readonly message: string;
  readonly reasons?: readonly Denial[];
}

/** A decision. */
export type TokenOutcome = { readonly signed: true; readonly svid: TokenSvid } | { readonly signed: false; readonly refusal: TokenRefusal };

type Issuer = NonNullable<NonNullable<DomainState['jwt']>['issuer']>;

/** Everything that is needed to sign. */
interface Target {
  readonly source: string;
  readonly grant: TokenGrant;
  readonly issuer: Issuer;
}

/** Signs JWT-SVIDs for who may have them. Nothing that it signs is recorded anywhere but in the audit log: no token lives longer than its key stays published. */
export class JwtSigner {
  readonly #context: ControllerContext;
  readonly #sources: CallerIdentitySources;
  readonly #tokenIds: SerialNumbers;

  constructor(context: ControllerContext, sources: CallerIdentitySources) {
    this.#context = context;
    this.#sources = sources;
    this.#tokenIds = new SerialNumbers((length) => context.tools.randomBytes(length));
  }

  /** No waiting between the decision, the lease's word and the signature. @throws ISSUANCE_LEASE_LOST, AUDIT_UNAVAILABLE when it cannot be done now */
  async sign(wish: TokenWish): Promise<TokenOutcome> {
    try {
      const outcome = this.#sign(wish);
      this.#context.metrics.tokens?.('request', outcome.signed ? 'issued' : outcome.refusal.code === 'API_NOT_READY' ? 'failed' : 'refused');
      return outcome;
    } catch (error) {
      this.#context.metrics.tokens?.('request', 'failed');
      throw error;
    }
  }

  #sign(wish: TokenWish): TokenOutcome {
    const target = this.#target(wish);
    if ('code' in target) return { signed: false, refusal: target };
    const { source, grant, issuer } = target;
    const nowMs = this.#context.clock.nowMs();
    const { tokenId, ...svid } = issuer.issue(grant, this.#tokenIds.next(), this.#context.lease, nowMs);
    this.#context.audit.record({
      decision: 'token-issued',
      object: source,
      trustDomain: grant.spiffeId.trustDomain,
      spiffeId: svid.spiffeId,
      tokenId,
      authority: svid.keyId,
      notAfter: new Date(svid.expiresAtMs).toISOString(),
      reason: 'TokenRequest',
      requestId: wish.requestId,
      ...(wish.caller.kind === 'external' ? { subject: wish.caller.subject } : {}),
    });
    return { signed: true, svid: { ...svid, refreshAtMs: renewalTimeMs({ issuedAtMs: nowMs, notAfterMs: svid.expiresAtMs }, tokenId) } };
  }

  #target({ caller, audience, identity, ttl }: TokenWish): Target | TokenRefusal {
    const found = identityOfCaller(caller, identity, this.#sources);
    if ('code' in found) return found;
    const { jwt, policy, problem, object } = found.state;
    const { name } = object.metadata;
    if (problem !== undefined || policy === undefined) return { code: 'API_NOT_READY', message: `trust domain ${name} cannot issue now: see its conditions` };
    if (jwt === undefined) return { code: 'API_JWT_OFF', message: `trust domain ${name} issues no JWT-SVIDs: set spec.jwt of the TrustDomain` };
    if (jwt.takenBy !== undefined) return { code: 'API_JWT_ISSUER_TAKEN', message: `the issuer of trust domain ${name} belongs to an older one: see the condition JWTReady of the TrustDomain` };
    if (jwt.issuer === undefined) return { code: 'API_NOT_READY', message: jwt.problem?.message ?? `trust domain ${name} cannot sign tokens now` };
    const ttlMs = askedTtlMs(ttl);
    if (typeof ttlMs === 'object') return refused([ttlMs]);
    const decision = decideToken({ subject: found.subject, audience, ttlMs }, { ...policy, ttlMs: jwt.settings.ttlMs });
    return decision.granted ? { source: found.source, grant: decision.grant, issuer: jwt.issuer } : refused(decision.denials);
  }
}

function refused(reasons: readonly Denial[]): TokenRefusal {
  return { code: 'API_JWT_REFUSED', message: reasons.map(({ field, message }) => `${field}: ${message}`).join('; '), reasons };
}
