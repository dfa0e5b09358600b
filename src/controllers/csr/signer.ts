import type { AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import type { Denial, Grant, IssuancePolicy, IssuedSvid, Issuer } from '../../issuance/index.ts';
import { renewalTimeMs } from '../../rotation/index.ts';
import { parseCertificateRequest, SerialNumbers, validatePublicKey, type CertificateRequest, type PublicKey } from '../../x509/index.ts';
import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains, RenderedBundle } from '../domains.ts';
import { Reservations } from '../reservations.ts';
import { askedTtlMs, identityOfCaller, type CsrCaller } from './caller.ts';
import { excessOf } from './wish.ts';

/** What is asked for. */
export interface CsrWish {
  readonly caller: CsrCaller;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  /** Which WorkloadIdentity; undefined: the oldest that is for the caller. */
  readonly identity: string | undefined;
  /** A duration; undefined: as the identity says. */
  readonly ttl: string | undefined;
  readonly requestId: string;
}

/** A certificate that was signed, with what its holder needs. Times in milliseconds since the epoch. */
export interface CsrSvid extends Pick<IssuedSvid, 'spiffeId' | 'chainPem' | 'serialNumber' | 'notBeforeMs' | 'notAfterMs'> {
  readonly trustDomain: string;
  /** When to ask for the next one. */
  readonly refreshAtMs: number;
  readonly bundle: RenderedBundle;
}

/** Why nothing was signed. */
export interface CsrRefusal {
  readonly code: 'API_IDENTITY_NOT_GRANTED' | 'API_CERTIFICATE_REFUSED' | 'API_NOT_READY';
  readonly message: string;
  readonly reasons?: readonly Denial[];
}

/** A decision. */
export type CsrOutcome = { readonly signed: true; readonly svid: CsrSvid } | { readonly signed: false; readonly refusal: CsrRefusal };

/** Everything that is needed to sign. */
interface Target {
  /** The granting object, for the audit log. */
  readonly source: string;
  readonly grant: Grant;
  readonly issuer: Issuer;
  readonly record: AuthorityRecord;
  readonly bundle: RenderedBundle;
}

/** More than any request needs: reserve, sign, and once more when the authority has changed meanwhile. */
const stepsMax = 5;
/** The client renews at half of life and sees what it wrote itself. */
const floor = { minTtlMs: 60_000, minTtlReason: 'the shortest that a client can keep fresh' };

/**
 * Signs X.509-SVIDs for keys that their holders made, by certificate signing requests. Nothing that it signs is recorded
 * anywhere but in the audit log: before it signs, the end up to which leaves may live stands in the authority record.
 */
export class CsrSigner {
  readonly #context: ControllerContext;
  readonly #caches: Pick<IdentityCaches, 'identities' | 'namespaces'>;
  readonly #domains: Domains;
  readonly #reservations: Reservations;
  readonly #serialNumbers: SerialNumbers;
  readonly #policies = new WeakMap<IssuancePolicy, IssuancePolicy>();

  constructor(context: ControllerContext, caches: Pick<IdentityCaches, 'identities' | 'namespaces'>, domains: Domains) {
    this.#context = context;
    this.#caches = caches;
    this.#domains = domains;
    this.#reservations = new Reservations(context, 'csr');
    this.#serialNumbers = new SerialNumbers((length) => context.tools.randomBytes(length));
  }

  /** @throws ISSUANCE_…, STORE_…, AUDIT_UNAVAILABLE when it cannot be done now */
  async sign(wish: CsrWish): Promise<CsrOutcome> {
    const read = readRequest(wish.csr);
    if ('code' in read) return { signed: false, refusal: read };
    // Of requests that go on together, all are checked before the first is signed.
    await Promise.resolve();
    for (let step = 0; step < stepsMax; step += 1) {
      // Anew after each wait: whatever changed meanwhile is seen before anything is signed.
      const target = this.#target(wish, read.request);
      if ('code' in target) return { signed: false, refusal: target };
      const nowMs = this.#context.clock.nowMs();
      const endMs = nowMs + target.grant.ttlMs;
      if (this.#reservations.covers(target.issuer.keyIdentifier, endMs)) return { signed: true, svid: this.#issue(wish, target, read.publicKey, nowMs) };
      await this.#reservations.extend(target.record, target.issuer.keyIdentifier, endMs);
    }
    return { signed: false, refusal: { code: 'API_NOT_READY', message: 'the issuing authority of the trust domain changes all the time: try again' } };
  }

  #target(wish: CsrWish, request: CertificateRequest): Target | CsrRefusal {
    const found = identityOfCaller(wish.caller, wish.identity, { caches: this.#caches, domains: this.#domains });
    if ('code' in found) return found;
    const { policy, issuer, record, bundle, problem } = found.state;
    const name = found.state.object.metadata.name;
    if (problem !== undefined || policy === undefined || issuer === undefined || record === undefined || bundle === undefined) {
      return { code: 'API_NOT_READY', message: `trust domain ${name} cannot issue now: see its conditions` };
    }
    const ttlMs = askedTtlMs(wish.ttl);
    if (typeof ttlMs === 'object') return refused([ttlMs]);
    const decision = found.decide(this.#withFloor(policy), ttlMs);
    if (!decision.granted) return refused(decision.denials);
    const excess = excessOf(request, decision.grant);
    return excess.length > 0 ? refused(excess) : { source: found.source, grant: decision.grant, issuer, record, bundle };
  }

  /** The same object each time: decisions are known by it. */
  #withFloor(policy: IssuancePolicy): IssuancePolicy {
    const known = this.#policies.get(policy) ?? { ...policy, ...floor };
    this.#policies.set(policy, known);
    return known;
  }

  /** No waiting between the decision, the lease's word and the signature: one reading of the clock decides them all. */
  #issue({ caller, requestId }: CsrWish, { source, grant, issuer, bundle }: Target, publicKey: PublicKey, nowMs: number): CsrSvid {
    const svid = issuer.issue(grant, publicKey, this.#serialNumbers.next(), this.#context.lease, nowMs);
    const { trustDomain } = grant.spiffeId;
    const who = caller.kind === 'external' ? { subject: caller.subject } : {};
    this.#context.audit.record({
      decision: 'issued',
      object: source,
      trustDomain,
      spiffeId: svid.spiffeId,
      serialNumber: svid.serialNumber,
      authority: svid.issuer,
      notAfter: new Date(svid.notAfterMs).toISOString(),
      reason: 'CertificateRequest',
      requestId,
      ...who,
    });
    const { spiffeId, chainPem, serialNumber, notBeforeMs, notAfterMs } = svid;
    // By its key: a thousand clients that asked at once do not come back at once.
    const refreshAtMs = renewalTimeMs({ issuedAtMs: nowMs, notAfterMs }, publicKey.keyIdentifier);
    return { spiffeId, chainPem, serialNumber, notBeforeMs, notAfterMs, trustDomain, refreshAtMs, bundle };
  }
}

function readRequest(csr: Uint8Array): { readonly request: CertificateRequest; readonly publicKey: PublicKey } | CsrRefusal {
  try {
    const request = parseCertificateRequest(csr);
    const publicKey = validatePublicKey(request.publicKey.spki);
    if (!request.signatureValid) return refused([{ field: 'csr', message: 'it is not signed by its own key: nobody has shown to hold that' }]);
    return { request, publicKey };
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return refused([{ field: 'csr', message: error.message }]);
  }
}

function refused(reasons: readonly Denial[]): CsrRefusal {
  return { code: 'API_CERTIFICATE_REFUSED', message: reasons.map(({ field, message }) => `${field}: ${message}`).join('; '), reasons };
}
