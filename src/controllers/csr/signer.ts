import type { AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { decide, decideExternal, type Decision, type Denial, type Grant, type IssuancePolicy, type IssuedSvid, type Issuer } from '../../issuance/index.ts';
import { parseDuration, resolvedIdentitySpec, type WorkloadIdentity } from '../../resources/index.ts';
import { renewalTimeMs } from '../../rotation/index.ts';
import { parseCertificateRequest, SerialNumbers, validatePublicKey, type CertificateRequest, type PublicKey } from '../../x509/index.ts';
import { takesNamespace } from '../allowed-namespaces.ts';
import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains, DomainState, RenderedBundle } from '../domains.ts';
import { Reservations } from '../reservations.ts';
import { isOlder } from '../workload-identity/indexes.ts';
import { resolveTrustDomain } from '../workload-identity/resolve.ts';
import { excessOf } from './wish.ts';

/** Who asks: a service account of this cluster, or somebody whom another issuer vouches for. */
export type CsrCaller =
  | { readonly kind: 'service-account'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'external'; readonly entry: string; readonly trustDomain: string; readonly segments: readonly string[]; readonly subject: string };

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
    for (let step = 0; step < stepsMax; step += 1) {
      // Anew after each wait: whatever changed meanwhile is seen before anything is signed.
      const target = this.#target(wish, read.request);
      if ('code' in target) return { signed: false, refusal: target };
      const nowMs = this.#context.clock.nowMs();
      const endMs = nowMs + target.grant.ttlMs;
      if (this.#reservations.covers(target.record, target.issuer.keyIdentifier, endMs)) return { signed: true, svid: this.#issue(wish, target, read.publicKey, nowMs) };
      await this.#reservations.extend(target.record, target.issuer.keyIdentifier, endMs);
    }
    return { signed: false, refusal: { code: 'API_NOT_READY', message: 'the issuing authority of the trust domain changes all the time: try again' } };
  }

  #target(wish: CsrWish, request: CertificateRequest): Target | CsrRefusal {
    const found = wish.caller.kind === 'external' ? this.#external(wish.caller) : this.#granted(wish.caller, wish.identity);
    if ('code' in found) return found;
    const { policy, issuer, record, bundle, problem } = found.state;
    const name = found.state.object.metadata.name;
    if (problem !== undefined || policy === undefined || issuer === undefined || record === undefined || bundle === undefined) {
      return { code: 'API_NOT_READY', message: `trust domain ${name} cannot issue now: see its conditions` };
    }
    const ttlMs = askedTtlMs(wish.ttl);
    if (typeof ttlMs === 'object') return refused([ttlMs]);
    const decision = found.decide({ ...policy, ...floor }, ttlMs);
    if (!decision.granted) return refused(decision.denials);
    const excess = excessOf(request, decision.grant);
    return excess.length > 0 ? refused(excess) : { source: found.source, grant: decision.grant, issuer, record, bundle };
  }

  #external({ trustDomain, entry, segments }: Extract<CsrCaller, { kind: 'external' }>): Found | CsrRefusal {
    const state = this.#domains.get(trustDomain);
    if (state === undefined) return { code: 'API_NOT_READY', message: `there is no trust domain ${trustDomain}, which the configuration of the API names` };
    return { source: `ExternalIdentity ${entry}`, state, decide: (policy, ttlMs) => decideExternal({ entry, segments, ttlMs }, policy) };
  }

  #granted({ namespace, name: account }: Extract<CsrCaller, { kind: 'service-account' }>, wanted: string | undefined): Found | CsrRefusal {
    const granted = this.#caches.identities
      .byIndex('serviceAccount', `${namespace}/${account}`)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined && (wanted === undefined || metadata.name === wanted))
      .toSorted((a, b) => (isOlder(a, b) ? -1 : 1));
    const [identity] = granted;
    if (identity === undefined) return notGranted(namespace, account, wanted);
    const source = `WorkloadIdentity ${namespace}/${identity.metadata.name}`;
    const domain = resolveTrustDomain(identity, this.#domains);
    if (domain.kind === 'unresolved') return { code: 'API_NOT_READY', message: `${source}: ${domain.message}` };
    if (!takesNamespace(domain.state.object, namespace, this.#caches.namespaces)) {
      return { code: 'API_IDENTITY_NOT_GRANTED', message: `trust domain ${domain.name} takes no identities of namespace ${namespace}: have spec.allowedNamespaces of the TrustDomain select it` };
    }
    return { source, state: domain.state, decide: (policy, ttlMs) => decideIdentity(identity, policy, ttlMs) };
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

/** The identity of a caller, and how it is decided about. */
interface Found {
  readonly source: string;
  readonly state: DomainState;
  decide(policy: IssuancePolicy, ttlMs: number | undefined): Decision;
}

function decideIdentity(identity: WorkloadIdentity, policy: IssuancePolicy, ttlMs: number | undefined): Decision {
  const { serviceAccountName, dnsNames, commonName, ttlMs: ownMs } = resolvedIdentitySpec(identity);
  const allowedMs = ownMs ?? policy.defaultTtlMs;
  const decision = decide({ namespace: identity.metadata.namespace ?? '', serviceAccountName, dnsNames, commonName, ttlMs: ttlMs ?? allowedMs }, policy);
  if (ttlMs === undefined || ttlMs <= allowedMs) return decision;
  const longer = { field: 'ttl', message: `${ttlMs / 1000}s is longer than the ${allowedMs / 1000}s of the identity: ask for at most that` };
  return { granted: false, denials: decision.granted ? [longer] : [longer, ...decision.denials] };
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

function askedTtlMs(ttl: string | undefined): number | undefined | Denial {
  if (ttl === undefined) return undefined;
  try {
    return parseDuration(ttl);
  } catch {
    return { field: 'ttl', message: 'it is no duration: write 90s, 30m or 1h' };
  }
}

function notGranted(namespace: string, account: string, wanted: string | undefined): CsrRefusal {
  const which = wanted === undefined ? 'No WorkloadIdentity' : 'No WorkloadIdentity of that name';
  return { code: 'API_IDENTITY_NOT_GRANTED', message: `${which} of namespace ${namespace} is for service account ${account}: create one with spec.serviceAccountName: ${account}` };
}

function refused(reasons: readonly Denial[]): CsrRefusal {
  return { code: 'API_CERTIFICATE_REFUSED', message: reasons.map(({ field, message }) => `${field}: ${message}`).join('; '), reasons };
}
