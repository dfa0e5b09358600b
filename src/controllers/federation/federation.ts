import { createHash } from 'node:crypto';
import { labels, managedByMtlsd, setCondition, type Condition, type TrustDomain, type TrustDomainStatus } from '../../resources/index.ts';
import type { Precondition, SecretMetadata } from '../../store/port.ts';
import type { ControllerContext } from '../context.ts';
import type { Cache } from '../runtime/cache.ts';
import { peersOf, type Peer } from './peer.ts';
import { decodeKept, encodeKept, federatedAnnotation, federatedByLabel, keptKey, type Kept, type KeptBundle } from './state.ts';

/** A trust domain of others as one of ours knows it. */
export interface PeerState {
  readonly peer: Peer;
  readonly kept: KeptBundle | undefined;
  readonly precondition: Precondition | 'absent';
  /** Why the last fetch did not succeed; `unknown` before this process has tried. */
  readonly problem: PeerProblem | 'unknown' | undefined;
  readonly failures: number;
  /** When it is fetched next, milliseconds since the epoch; undefined: now. */
  readonly nextAtMs: number | undefined;
}

/** Why a fetch did not succeed. */
export interface PeerProblem {
  readonly reason: string;
  readonly message: string;
}

/** The roots of a trust domain of others, as a file for those who talk to it. */
export interface FederatedFile {
  readonly trustDomain: string;
  readonly caPem: string;
  /** Of the file, hexadecimal. */
  readonly digest: string;
}

type PeerStatus = NonNullable<TrustDomainStatus['federation']>[number];

/** A peer's problem is told in a line or two. */
const messageCharactersMax = 1024;

/**
 * The trust domains of others, by the trust domain of ours that federates with them: what is known of each, and their bundles
 * as they are kept. Nothing in here waits for the network.
 */
export class Federation {
  readonly #context: ControllerContext;
  readonly #secrets: Cache<SecretMetadata>;
  readonly #states = new Map<string, Map<string, PeerState>>();
  /** Peers that a manifest names no more, whose bundles are still kept. */
  readonly #departed = new Map<string, Set<string>>();
  readonly #listeners: ((own: string) => void)[] = [];

  constructor(context: ControllerContext, secrets: Cache<SecretMetadata>) {
    this.#context = context;
    this.#secrets = secrets;
  }

  /** Calls `listener` when anything about the peers of a trust domain of ours changes. */
  onChange(listener: (own: string) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Has the peers be those that the manifest names, each with the bundle that is kept of it: from then on identities see them.
   * @throws STORE_… when a bundle that is kept cannot be read
   */
  async load(object: TrustDomain): Promise<void> {
    const own = object.metadata.name;
    const wanted = peersOf(object);
    const read = new Map<string, PeerState>();
    for (const peer of wanted) if (this.get(own, peer.name) === undefined) read.set(peer.name, await this.#read(own, peer));
    // From here on nothing waits: what was fetched meanwhile counts.
    const known = this.#states.get(own) ?? new Map<string, PeerState>();
    const states = new Map<string, PeerState>();
    for (const peer of wanted) {
      const before = known.get(peer.name) ?? read.get(peer.name);
      if (before !== undefined) states.set(peer.name, forPeer(before, peer));
    }
    const gone = [...(this.#states.has(own) ? known.keys() : this.#keptNames(own))].filter((name) => !states.has(name));
    for (const name of gone) this.#departed.set(own, (this.#departed.get(own) ?? new Set<string>()).add(name));
    this.#states.set(own, states);
    if (gone.length > 0 || [...states].some(([name, state]) => known.get(name) !== state)) this.#tell(own);
  }

  /** Forgets what is in memory of a trust domain of ours that is gone; what is kept stays. */
  forget(own: string): void {
    this.#departed.delete(own);
    if (this.#states.delete(own)) this.#tell(own);
  }

  get(own: string, peer: string): PeerState | undefined {
    return this.#states.get(own)?.get(peer);
  }

  /** The names of the trust domains that one of ours federates with. */
  peerNames(own: string): readonly string[] {
    return [...(this.#states.get(own)?.keys() ?? [])];
  }

  /** The same, those included that are to be cleaned up after. */
  names(own: string): readonly string[] {
    return [...(this.#states.get(own)?.keys() ?? []), ...(this.#departed.get(own) ?? [])];
  }

  /** Keeps a bundle that was fetched, then shows it. @throws STORE_… */
  async keep(own: string, state: PeerState, kept: KeptBundle): Promise<void> {
    const key = keptKey(this.#context.systemNamespace, own, state.peer.name);
    const written = await this.#context.store.write(encodeKept(key, own, kept), state.precondition);
    this.note(own, { ...state, kept, precondition: { uid: written.metadata.uid, resourceVersion: written.metadata.resourceVersion } });
  }

  /** Notes what a fetch came to. */
  note(own: string, state: PeerState): void {
    const states = this.#states.get(own);
    const before = states?.get(state.peer.name);
    // The manifest changed meanwhile: decided anew.
    if (states === undefined || before?.peer.digest !== state.peer.digest) return;
    states.set(state.peer.name, state);
    if (before.kept !== state.kept || before.problem !== state.problem) this.#tell(own);
  }

  /** Reads again what is kept: somebody else has written it. @throws STORE_… */
  async readAgain(own: string, peer: Peer): Promise<void> {
    const fresh = await this.#read(own, peer);
    const states = this.#states.get(own);
    // One that the manifest has changed or names no more does not come back by this.
    if (states?.get(peer.name)?.peer.digest !== peer.digest) return;
    states.set(peer.name, fresh);
    this.#tell(own);
  }

  /** Deletes what is kept of a peer that the manifest names no more. @throws STORE_… */
  async drop(own: string, peer: string): Promise<void> {
    const departed = this.#departed.get(own);
    if (departed?.has(peer) !== true) return;
    const { store, systemNamespace } = this.#context;
    const key = keptKey(systemNamespace, own, peer);
    const secret = await store.get(key);
    if (secret?.metadata.labels?.[federatedByLabel] === own) await store.delete(key, { uid: secret.metadata.uid, resourceVersion: secret.metadata.resourceVersion });
    departed.delete(peer);
  }

  /** The files of those out of `names` that a trust domain of ours federates with and whose bundle is there, in the order of names. */
  files(own: string | undefined, names: readonly string[]): readonly FederatedFile[] {
    const states = own === undefined ? undefined : this.#states.get(own);
    return [...names].sort().flatMap((name) => {
      const bundle = states?.get(name)?.kept?.bundle;
      return bundle === undefined ? [] : [{ trustDomain: name, caPem: bundle.caPem, digest: createHash('sha256').update(bundle.caPem).digest('hex') }];
    });
  }

  /** What status tells of each peer; undefined when there is none. */
  statuses(object: TrustDomain): PeerStatus[] | undefined {
    const states = [...(this.#states.get(object.metadata.name)?.values() ?? [])];
    const before = new Map(object.status?.federation?.map((status) => [status.trustDomain, status]));
    return states.length === 0 ? undefined : states.map((state) => statusOf(state, before.get(state.peer.name)));
  }

  async #read(own: string, peer: Peer): Promise<PeerState> {
    const found: Kept = decodeKept(await this.#context.store.get(keptKey(this.#context.systemNamespace, own, peer.name)), own, peer.name);
    if (found.precondition !== 'absent' && found.kept === undefined) this.#context.log.warn('the bundle that was kept of a trust domain cannot be read: it is fetched anew', { trustDomain: own, federatesWith: peer.name });
    return { peer, ...found, problem: 'unknown', failures: 0, nextAtMs: undefined };
  }

  /** Whose bundles are kept for a trust domain of ours, as the watch of Secrets shows it. */
  #keptNames(own: string): readonly string[] {
    const names: string[] = [];
    for (const { metadata } of this.#secrets.values()) {
      const isOne = metadata.namespace === this.#context.systemNamespace && metadata.labels?.[labels.managedBy] === managedByMtlsd && metadata.labels[federatedByLabel] === own;
      if (isOne) names.push(metadata.annotations?.[federatedAnnotation] ?? '');
    }
    return names;
  }

  #tell(own: string): void {
    for (const listener of this.#listeners) listener(own);
  }
}

/** The same for what the manifest says now: asked at once where that has changed. */
function forPeer(state: PeerState, peer: Peer): PeerState {
  return state.peer.digest === peer.digest ? state : { ...state, peer, failures: 0, nextAtMs: undefined };
}

function statusOf({ peer, kept, problem }: PeerState, before: PeerStatus | undefined): PeerStatus {
  return {
    trustDomain: peer.name,
    ...(kept === undefined
      ? {}
      : {
          sequence: String(kept.bundle.sequence),
          fetchedAt: new Date(kept.fetchedAtMs).toISOString().replace(/\.\d{3}Z$/u, 'Z'),
          sha256: kept.bundle.sha256,
          roots: kept.bundle.roots.length,
          ...(kept.bundle.refreshHintSeconds === undefined ? {} : { refreshHintSeconds: kept.bundle.refreshHintSeconds }),
        }),
    ...problemOf(problem, before),
  };
}

/** The first sentence about a reason stays while the reason does: a server that fails in many ways leads to no write each time. */
function problemOf(problem: PeerState['problem'], before: PeerStatus | undefined): Pick<PeerStatus, 'reason' | 'message'> {
  if (problem === undefined) return {};
  if (problem === 'unknown' || problem.reason === before?.reason) {
    return { ...(before?.reason === undefined ? {} : { reason: before.reason }), ...(before?.message === undefined ? {} : { message: before.message }) };
  }
  return { reason: problem.reason, message: problem.message.slice(0, messageCharactersMax) };
}

/** Adds the condition `Federated`; without peers it goes. */
export function withFederated(conditions: readonly Condition[], statuses: readonly PeerStatus[] | undefined, observedGeneration: number, nowMs: number): readonly Condition[] {
  if (statuses === undefined) return conditions.filter(({ type }) => type !== 'Federated');
  const without = statuses.filter(({ sequence }) => sequence === undefined);
  const failing = statuses.filter(({ reason }) => reason !== undefined);
  const names = (some: readonly PeerStatus[]): string => some.map(({ trustDomain }) => trustDomain).join(', ');
  const told =
    without.length > 0
      ? { status: 'False' as const, reason: 'BundleMissing', message: `no bundle was fetched yet of ${names(without)}: status.federation says why` }
      : failing.length > 0
        ? { status: 'False' as const, reason: 'BundleNotFetched', message: `the bundle that was fetched last is in use of ${names(failing)}: status.federation says why` }
        : { status: 'True' as const, reason: 'Fetched', message: `the bundle of ${names(statuses)} is here` };
  return setCondition(conditions, { type: 'Federated', ...told, observedGeneration }, nowMs);
}
