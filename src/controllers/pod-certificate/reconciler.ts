import { isMtlsdError, type MtlsdError } from '../../errors/index.ts';
import type { IssuedSvid } from '../../issuance/index.ts';
import type { Pod, PodCertificateRequest, ServiceAccount } from '../../resources/index.ts';
import { SerialNumbers } from '../../x509/index.ts';
import { takesNamespace } from '../allowed-namespaces.ts';
import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Cache } from '../runtime/cache.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { Reservations } from '../reservations.ts';
import { factsOf, matchPod, type PodIdentitySource, type PodMatch } from './match.ts';
import { PendingRequests } from './pending.ts';
import { planRequest, type IssuePlan, type RequestPlan } from './plan.ts';
import { beginRefreshAtMs } from './refresh-time.ts';
import { requestedKey, type RequestedKey } from './requested-key.ts';
import { SharedReads } from './shared-reads.ts';
import { deniedStatus, isDecided, issuedStatus } from './status.ts';
import { wantedIdentity } from './user-annotations.ts';

/** More than any request needs: reserve, sign, and once more when the authority has changed meanwhile. */
const stepsMax = 5;
/** What a request waits for wakes it; a pod's labels do not. */
const lookAgainMs = 60_000;

/** What the reconciler looks at. */
export interface PodCertificateParts {
  readonly requests: Cache<PodCertificateRequest>;
  readonly namespaces: IdentityCaches['namespaces'];
  /** In the order of precedence: the first identity of the first source has the best claim. */
  readonly sources: readonly PodIdentitySource[];
  /** Whether an authority of that trust domain is being replaced, so that its pods are to fetch new certificates soon. */
  readonly rotationUnderWay: (trustDomain: string) => boolean;
}

/** What a fresh read of the API has shown. */
interface Live {
  readonly pod: Pod | undefined;
  readonly serviceAccount: ServiceAccount | undefined;
}

type Request = PodCertificateRequest;

/**
 * Answers PodCertificateRequests as the signer `mtlsd.io/x509-svid`: one write each, the request's status. The identity comes
 * from fields that the API server cross-checks and from pod and service account as they are at this moment.
 */
export class PodCertificateReconciler implements Reconciler {
  readonly kind = 'PodCertificateRequest';
  readonly #context: ControllerContext;
  readonly #parts: PodCertificateParts;
  readonly #pending: PendingRequests;
  readonly #reservations: Reservations;
  readonly #serialNumbers: SerialNumbers;
  readonly #accounts = new SharedReads<ServiceAccount | undefined>();
  /** Keys are judged once: a request never changes its own. */
  readonly #keys = new WeakMap<Request, RequestedKey>();
  /** When each open request was first seen, by UID, milliseconds since the epoch. */
  readonly #seenMs = new Map<string, number>();

  constructor(context: ControllerContext, parts: PodCertificateParts) {
    this.#context = context;
    this.#parts = parts;
    this.#pending = new PendingRequests(context);
    this.#reservations = new Reservations(context, 'pod-certificate');
    this.#serialNumbers = new SerialNumbers((length) => context.tools.randomBytes(length));
    parts.requests.onChange((before, after) => {
      if (after !== undefined && !isDecided(after)) this.#seenMs.set(after.metadata.uid, this.#seenMs.get(after.metadata.uid) ?? context.clock.nowMs());
      if (before !== undefined && before.metadata.uid !== after?.metadata.uid) this.#forget(before);
    });
  }

  /** Forgets what waits: to be called when this replica answers no more. */
  close(): void {
    this.#pending.clear();
  }

  /** Requests have no certificate that could expire: each is as urgent as the next. */
  deadlineMs(): undefined {
    return undefined;
  }

  async reconcile(key: QueueKey): Promise<Outcome> {
    const request = this.#parts.requests.get(key.namespace, key.name);
    if (request === undefined) return {};
    if (isDecided(request)) return this.#forget(request);
    let pod: Pod | undefined;
    try {
      const live = await this.#read(request);
      ({ pod } = live);
      return await this.#settle(request, live);
    } catch (error) {
      if (!isMtlsdError(error)) throw error;
      if (error.code === 'STORE_NOT_FOUND') return this.#forget(request);
      this.#waitFor(request, pod, error);
      throw error;
    }
  }

  /** The request's pod and its service account as they are now: a cache may be cold, or behind. */
  async #read({ metadata, spec }: Request): Promise<Live> {
    const { store } = this.#context;
    const { namespace = '' } = metadata;
    const [pod, serviceAccount] = await Promise.all([
      store.get({ kind: 'Pod', namespace, name: spec.podName }),
      this.#accounts.read(`${namespace}/${spec.serviceAccountName}`, async () => store.get({ kind: 'ServiceAccount', namespace, name: spec.serviceAccountName })),
    ]);
    return { pod, serviceAccount };
  }

  async #settle(request: Request, live: Live): Promise<Outcome> {
    for (let step = 0; step < stepsMax; step += 1) {
      const plan = this.#plan(request, live);
      if (plan.do !== 'issue') return this.#rest(request, live, plan);
      const nowMs = this.#context.clock.nowMs();
      const latestEndMs = nowMs + plan.grant.wholeLifeMs;
      const { keyIdentifier } = plan.issuer;
      if (this.#reservations.covers(keyIdentifier, latestEndMs)) return this.#issue(request, plan, nowMs);
      // Time passes: whatever changed meanwhile is seen before anything is signed.
      await this.#reservations.extend(plan.record, keyIdentifier, latestEndMs);
    }
    return { nextAtMs: this.#context.clock.nowMs() };
  }

  #plan(request: Request, { pod, serviceAccount }: Live): RequestPlan {
    const { namespace = '' } = request.metadata;
    const match: PodMatch = pod === undefined ? { kind: 'none', reason: 'IdentityMissing', message: '' } : this.#match(request, pod);
    const domain = match.kind === 'matched' && match.identity.domain.kind === 'resolved' ? match.identity.domain.state.object : undefined;
    const namespaceAllowed = domain === undefined || takesNamespace(domain, namespace, this.#parts.namespaces);
    return planRequest({ request, key: this.#keyOf(request), pod, serviceAccount, match, namespaceAllowed });
  }

  #match({ spec }: Request, pod: Pod): PodMatch {
    const facts = factsOf(pod);
    const identities = this.#parts.sources.flatMap((source) => source.identitiesFor(facts));
    return matchPod(facts, wantedIdentity(spec.unverifiedUserAnnotations), identities);
  }

  #keyOf(request: Request): RequestedKey {
    const known = this.#keys.get(request) ?? requestedKey(request.spec);
    this.#keys.set(request, known);
    return known;
  }

  async #rest(request: Request, { pod }: Live, plan: Exclude<RequestPlan, IssuePlan>): Promise<Outcome> {
    switch (plan.do) {
      case 'nothing':
        return this.#forget(request);
      case 'deny':
        return this.#deny(request, pod, plan);
      case 'wait':
        this.#pending.wait(request.metadata.uid, pod, plan);
        return { nextAtMs: this.#context.clock.nowMs() + lookAgainMs };
    }
  }

  async #deny(request: Request, pod: Pod | undefined, { reason, message }: { readonly reason: string; readonly message: string }): Promise<Outcome> {
    const { clock, audit, events, metrics } = this.#context;
    await this.#write(request, deniedStatus(reason, message, clock.nowMs()));
    // The message may quote what a pod's author wrote: the reason is enough here.
    audit.record({ decision: 'refused', object: nameOf(request), reason });
    if (pod !== undefined) events.record(pod, { type: 'Warning', reason: 'PodCertificateDenied', message });
    metrics.podCertificate?.('denied', this.#sinceSeenMs(request));
    return this.#forget(request);
  }

  /** No waiting between the plan, the lease's word and the signature: one reading of the clock decides them all. */
  async #issue(request: Request, plan: IssuePlan, nowMs: number): Promise<Outcome> {
    const { lease, metrics, clock } = this.#context;
    const svid = plan.issuer.issue(plan.grant, plan.publicKey, this.#serialNumbers.next(), lease, nowMs);
    // Before all else: whatever becomes of it, what was signed stands in the audit.
    this.#audit(request, plan, svid);
    const refreshMs = beginRefreshAtMs({ issuedAtMs: nowMs, ...svid }, request.spec.podUID, this.#parts.rotationUnderWay(plan.trustDomain));
    await this.#write(request, issuedStatus(svid, refreshMs, clock.nowMs()));
    metrics.podCertificate?.('issued', this.#sinceSeenMs(request));
    return this.#forget(request);
  }

  #audit(request: Request, { trustDomain, identity }: IssuePlan, { spiffeId, serialNumber, issuer, notAfterMs }: IssuedSvid): void {
    const notAfter = new Date(notAfterMs).toISOString();
    this.#context.audit.record({ decision: 'issued', object: nameOf(request), trustDomain, spiffeId, serialNumber, authority: issuer, notAfter, reason: identity.source });
  }

  async #write({ metadata }: Request, status: NonNullable<Request['status']>): Promise<void> {
    const { name, namespace = '', uid, resourceVersion } = metadata;
    const written = await this.#context.store.patchStatus({ kind: 'PodCertificateRequest', namespace, name }, status, { uid, resourceVersion });
    const { certificateChain: _chain, ...decided } = written.status ?? {};
    // As a watch would show it: without the chain.
    this.#parts.requests.observeWrite({ ...written, status: decided });
  }

  #waitFor(request: Request, pod: Pod | undefined, error: MtlsdError): void {
    // A lost race and a lost lease are decided anew, here or elsewhere, and are nothing to tell anybody about.
    if (error.code === 'STORE_CONFLICT' || error.code === 'ISSUANCE_LEASE_LOST') return;
    this.#pending.wait(request.metadata.uid, pod, { reason: error.entry.reason, message: error.message });
  }

  #forget({ metadata }: Request): Outcome {
    this.#pending.settle(metadata.uid);
    this.#seenMs.delete(metadata.uid);
    return {};
  }

  #sinceSeenMs({ metadata }: Request): number {
    const nowMs = this.#context.clock.nowMs();
    return nowMs - (this.#seenMs.get(metadata.uid) ?? nowMs);
  }
}

function nameOf({ metadata }: Request): string {
  return `PodCertificateRequest ${metadata.namespace ?? ''}/${metadata.name}`;
}
