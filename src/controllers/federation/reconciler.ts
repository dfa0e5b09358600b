import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import type { TrustDomain } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { Cache } from '../runtime/cache.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { acceptBundle, documentBytesMax, hear } from './accept.ts';
import type { Federation, PeerState } from './federation.ts';
import type { FetchBundle } from './fetch.ts';
import { peersOf, serverOf, type Peer } from './peer.ts';
import { pollDelayMs } from './schedule.ts';
import type { KeptBundle } from './state.ts';

/** One fetch, redirects included, ends within this. */
const timeoutMs = 10_000;
/** Until our watch shows what was edited. */
const behindMs = 1_000;
/** A peer may lead to another address this often. */
const redirectsMax = 3;

/**
 * Fetches the bundle of one trust domain of others for one of ours, again and again. Each pair is an object of its own in the
 * queue, and a fetch has a bound: a peer that is dead, slow or lies delays no other, nor anything of ours (L29).
 */
export class FederationReconciler implements Reconciler {
  readonly kind = 'Federation';
  readonly #context: ControllerContext;
  readonly #trustDomains: Cache<TrustDomain>;
  readonly #federation: Federation;
  readonly #fetch: FetchBundle;
  readonly #signal: AbortSignal;

  constructor(context: ControllerContext, trustDomains: Cache<TrustDomain>, federation: Federation, fetch: FetchBundle, signal: AbortSignal) {
    this.#context = context;
    this.#trustDomains = trustDomains;
    this.#federation = federation;
    this.#fetch = fetch;
    this.#signal = signal;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  /** The key's namespace is the trust domain of ours, its name the other's. */
  async reconcile({ namespace: own, name }: QueueKey): Promise<Outcome> {
    const object = this.#trustDomains.get(undefined, own);
    if (object === undefined) {
      this.#context.metrics.federated?.(own, name, undefined);
      return {}; // trust that was delivered stays, as the trust domain's own does
    }
    await this.#federation.load(object);
    const state = this.#federation.get(own, name);
    if (state === undefined) {
      await this.#federation.drop(own, name);
      this.#context.metrics.federated?.(own, name, undefined);
      return {};
    }
    const nowMs = this.#context.clock.nowMs();
    if (state.nextAtMs !== undefined && nowMs < state.nextAtMs) return { nextAtMs: state.nextAtMs };
    return { nextAtMs: await this.#poll(own, state) };
  }

  async #poll(own: string, state: PeerState): Promise<number> {
    const nextAtMs = (known: boolean, failures: number, hint: number | undefined): number =>
      this.#context.clock.nowMs() + pollDelayMs({ id: `${own} ${state.peer.name}`, refreshHintSeconds: hint, known, failures });
    try {
      const kept = await this.#fetchAccepted(state);
      if (!isMeant(state.peer, this.#trustDomains.get(undefined, own))) return this.#context.clock.nowMs();
      const at = nextAtMs(true, 0, kept.bundle.refreshHintSeconds);
      const done = { ...state, problem: undefined, failures: 0, nextAtMs: at };
      if (sameContent(kept, state.kept)) this.#federation.note(own, done);
      // Our watch may be behind, and a sequence that is kept shuts lower ones out: asked once for each bundle that is new.
      else if (isMeant(state.peer, await this.#context.store.get({ kind: 'TrustDomain', name: own }))) await this.#keep(own, done, kept);
      else return this.#context.clock.nowMs() + behindMs;
      this.#context.metrics.federated?.(own, state.peer.name, { fetchedAtMs: kept.fetchedAtMs, failure: undefined });
      return at;
    } catch (error) {
      if (!isMtlsdError(error) || !error.code.startsWith('FEDERATION_')) throw error;
      // Nothing is known of the other side when we end, or when another one is meant by now.
      if (this.#signal.aborted || !isMeant(state.peer, this.#trustDomains.get(undefined, own))) return this.#context.clock.nowMs();
      const failures = state.failures + 1;
      const at = nextAtMs(state.kept !== undefined, failures, state.kept?.bundle.refreshHintSeconds);
      this.#federation.note(own, { ...state, problem: this.#problem(own, state, error), failures, nextAtMs: at });
      this.#context.metrics.federated?.(own, state.peer.name, { fetchedAtMs: state.kept?.fetchedAtMs, failure: error.entry.reason });
      return at;
    }
  }

  async #fetchAccepted(state: PeerState): Promise<KeptBundle> {
    const { peer, kept } = state;
    // A person who changes the bootstrap bundle has the other side begin anew.
    const latest = kept?.bootstrap === peer.bootstrap ? kept.bundle : undefined;
    const document = await this.#document(peer.endpoint.url, serverOf(peer, latest?.roots));
    const { bundle, dropped } = acceptBundle(document, peer.name, latest);
    if (dropped.length > 0) this.#context.log.debug('parts of a bundle are not understood and left out', { federatesWith: peer.name, parts: dropped.slice(0, 8) });
    return { bundle, fetchedAtMs: this.#context.clock.nowMs(), bootstrap: peer.bootstrap };
  }

  /** The document at `url`, over redirects, each judged like the first and none remembered (SPIFFE-34). */
  async #document(url: string, server: ReturnType<typeof serverOf>): Promise<string> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]);
    let at = url;
    for (let hops = 0; ; hops += 1) {
      // Where the manifest leads may be private; where the other side leads may not, but on the very same host.
      const privateAddresses = new URL(at).hostname === new URL(url).hostname;
      const heard = hear(at, await this.#fetch({ url: at, server, privateAddresses, bytesMax: documentBytesMax, timeoutMs, signal }));
      if ('document' in heard) return heard.document;
      if (hops === redirectsMax) throw new MtlsdError('FEDERATION_ANSWER_REFUSED', `${url} redirects more than ${redirectsMax} times`);
      at = heard.redirect;
    }
  }

  async #keep(own: string, state: PeerState, kept: KeptBundle): Promise<void> {
    try {
      await this.#federation.keep(own, state, kept);
    } catch (error) {
      // Somebody else wrote or deleted what was kept: read again, then decided anew.
      if (isMtlsdError(error, 'STORE_CONFLICT', 'STORE_ALREADY_EXISTS', 'STORE_NOT_FOUND')) await this.#federation.readAgain(own, state.peer);
      throw error;
    }
    const { peer } = state;
    const { sequence, roots, sha256 } = kept.bundle;
    this.#context.audit.record({ decision: 'bundle-accepted', object: `TrustDomain ${own}`, trustDomain: peer.name, reason: `sequence ${sequence}, ${roots.length} roots, SHA-256 ${sha256}` });
    this.#context.log.info('a new bundle of another trust domain is in use', { trustDomain: own, federatesWith: peer.name, sequence: String(sequence), roots: roots.length });
  }

  /** Told once while the reason stays the same. */
  #problem(own: string, { peer, problem }: PeerState, error: MtlsdError): NonNullable<PeerState['problem']> {
    const { reason } = error.entry;
    if (problem !== undefined && problem !== 'unknown' && problem.reason === reason) return problem;
    const message = `${error.message.replace(/\.$/u, '')}. ${error.entry.remedy}`;
    this.#context.log.warn('the bundle of another trust domain was not fetched', { trustDomain: own, federatesWith: peer.name, reason, why: error.message });
    const isRefusal = error.code === 'FEDERATION_BUNDLE_REFUSED' || error.code === 'FEDERATION_BUNDLE_OLDER' || error.code === 'FEDERATION_SERVER_REFUSED';
    if (isRefusal) this.#context.audit.record({ decision: 'bundle-refused', object: `TrustDomain ${own}`, trustDomain: peer.name, reason });
    return { reason, message };
  }
}

/** Whether the manifest still says what an answer was asked for by: else it is nobody's, and the next one is fetched. */
function isMeant({ name, digest }: Peer, object: TrustDomain | undefined): boolean {
  return object !== undefined && peersOf(object).some((peer) => peer.name === name && peer.digest === digest);
}

function sameContent(a: KeptBundle, b: KeptBundle | undefined): boolean {
  return b !== undefined && a.bootstrap === b.bootstrap && a.bundle.sequence === b.bundle.sequence && a.bundle.sha256 === b.bundle.sha256 && a.bundle.refreshHintSeconds === b.bundle.refreshHintSeconds;
}
