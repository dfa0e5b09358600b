import { isDeepStrictEqual } from 'node:util';
import { labels, resolvedIdentitySpec, resolvedRotationSettings, type WorkloadIdentity, type WorkloadIdentityStatus } from '../../resources/index.ts';
import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains } from '../domains.ts';
import type { PodBook } from '../pod-warnings/pod-book.ts';
import type { PodFacts } from '../pod-warnings/uses.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { sameStatus } from '../status.ts';
import { deliveredSvid, ownerOf } from '../workload-identity/secret.ts';
import { bodyOf, changesOf, differInOthersAlone, isTold, occasionsOf, recordOf, type Change, type HttpCall, type Occasion, type ReloadRecord } from './change.ts';
import { podCaller, type CallPod } from './call-pod.ts';
import { idOf, type Look, type RestartRounds } from './restart-rounds.ts';
import { afterCall, isOver, newRound, planRound, type Round, type RoundPlan } from './round.ts';
import { reloadedCondition, withReload, type Hindrance } from './status.ts';

/** kubelet shows a changed Secret within this time, where the trust domain does not say otherwise. */
const kubeletBoundMs = 90_000;
/** Of one identity, so many pods are called at a time, */
const callsAtOnce = 32;
/** and so many before its others wait for the next turn: a turn of pods that are all dead takes ten seconds. */
const callsInTurn = 64;

/** What reloads look at. */
export type ReloadCaches = Pick<IdentityCaches, 'identities' | 'secrets' | 'trustDomains'>;

/** The rounds of an identity that this process has begun: the last of each occasion, and the call that it was begun for. */
interface Begun {
  readonly uid: string;
  readonly rounds: Map<Occasion, BegunRound>;
}

interface BegunRound {
  readonly round: Round;
  readonly http: HttpCall | undefined;
}

/**
 * Tells the pods of an identity that their files have changed, as `spec.reload` says, and puts into its status how that went:
 * once for each change. What was told stands in that status, so that whichever process comes next goes on from there; what
 * is not known to have been told is told again.
 */
export class ReloadReconciler implements Reconciler {
  readonly kind = 'Reload';
  readonly #context: ControllerContext;
  readonly #caches: ReloadCaches;
  readonly #domains: Domains;
  /** Undefined where pods are not looked at. */
  readonly #pods: PodBook | undefined;
  readonly #call: CallPod;
  readonly #signal: AbortSignal;
  readonly #restarts: RestartRounds | undefined;
  /** By `namespace/name` of the identity. */
  readonly #begun = new Map<string, Begun>();

  /**
   * @param restarts undefined where workloads are not restarted
   * @param signal ends calls that are under way
   */
  constructor(context: ControllerContext, caches: ReloadCaches, domains: Domains, pods: PodBook | undefined, restarts: RestartRounds | undefined, signal: AbortSignal) {
    this.#context = context;
    this.#caches = caches;
    this.#domains = domains;
    this.#pods = pods;
    this.#call = context.callPod ?? podCaller();
    this.#restarts = restarts;
    this.#signal = signal;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  async reconcile({ namespace, name }: QueueKey): Promise<Outcome> {
    const identity = this.#caches.identities.get(namespace, name);
    if (identity?.spec.reload === undefined) this.#begun.delete(`${namespace}/${name}`);
    if (identity?.spec.reload?.onBundle?.rolloutRestart === undefined) this.#restarts?.forget(`${namespace}/${name}`);
    if (identity === undefined) return {};
    const looks = await this.#lookAt(identity);
    if (looks !== undefined) await this.#write(namespace, name, looks);
    const next = [...(looks?.values() ?? [])].flatMap(({ nextAtMs }) => nextAtMs ?? []);
    return next.length === 0 ? {} : { nextAtMs: Math.min(...next) };
  }

  /** What there is to say of each occasion that is asked for; undefined while there is no certificate. */
  async #lookAt(identity: WorkloadIdentity): Promise<ReadonlyMap<Occasion, Look> | undefined> {
    if (identity.spec.reload === undefined) return new Map();
    const hindrance = this.#hindrance();
    // What was told stays said: whoever takes the hindrance away goes on from there.
    if (hindrance !== undefined) return new Map(occasionsOf(identity).map((occasion) => [occasion, { record: recordOf(identity, occasion), hindrance }]));
    const { secretName } = resolvedIdentitySpec(identity);
    const secret = this.#caches.secrets.get(identity.metadata.namespace, secretName);
    const svid = secret === undefined || ownerOf(secret) !== identity.metadata.name ? undefined : deliveredSvid(secret);
    if (secret === undefined || svid === undefined) return undefined;
    const boundMs = this.#boundMs(secret.metadata.labels?.[labels.trustDomain]);
    const looks = changesOf(identity, secret, svid).map(async (change): Promise<readonly [Occasion, Look]> => [change.occasion, await this.#tell(identity, change, secretName, boundMs)]);
    return new Map(await Promise.all(looks));
  }

  /** Why nobody can be told anything here. */
  #hindrance(): Hindrance | undefined {
    const { cluster } = this.#context;
    if (cluster === undefined) return { reason: 'NoPods', message: 'spec.reload is about pods, and outside Kubernetes there are none: have the program watch its folder, and leave spec.reload out' };
    if (cluster.secretDelivery === false) return { reason: 'NoSecret', message: 'spec.reload is about Secrets, and this installation delivers pod certificates alone, which kubelet renews: leave spec.reload out' };
    if (this.#pods === undefined) return { reason: 'PodsOutOfSight', message: 'mtlsd does not look at pods here: set podWarnings.enabled of the chart, or leave spec.reload out' };
    const { whyUnknown } = this.#pods;
    return whyUnknown === undefined ? undefined : { reason: 'PodsOutOfSight', message: `pods are not known: ${whyUnknown}` };
  }

  /** How long after a Secret was written every pod sees it. */
  #boundMs(trustDomain: string | undefined): number {
    const domain = trustDomain === undefined ? undefined : this.#caches.trustDomains.get(undefined, trustDomain);
    return (domain === undefined ? undefined : resolvedRotationSettings(domain).propagationBoundMs) ?? kubeletBoundMs;
  }

  async #tell(identity: WorkloadIdentity, change: Change, secretName: string, boundMs: number): Promise<Look> {
    const record = recordOf(identity, change.occasion, change);
    const rounds = this.#roundsOf(identity);
    if (change.http === undefined && this.#restarts === undefined) return { record, hindrance: restartNotAllowed };
    if (isTold(record, change)) {
      rounds.delete(change.occasion);
      if (change.http === undefined) this.#restarts?.forget(idOf(identity));
      return { record };
    }
    const plan = planRound(this.#round(rounds.get(change.occasion), change, record, boundMs), this.#mounting(identity, secretName), this.#context.clock.nowMs());
    rounds.set(change.occasion, { round: plan.round, http: change.http });
    const { http } = change;
    const begun = { ...change, version: plan.round.version };
    if (http === undefined) return this.#restarts?.look(identity, begun, record, plan) ?? { record };
    return this.#callTurn(identity, { ...begun, http }, record, plan, secretName);
  }

  #mounting({ metadata }: WorkloadIdentity, secretName: string): readonly PodFacts[] {
    return this.#pods?.mounting(`${metadata.namespace ?? ''}/${secretName}`) ?? [];
  }

  async #callTurn(identity: WorkloadIdentity, change: Change & { readonly http: HttpCall }, record: ReloadRecord | undefined, plan: RoundPlan, secretName: string): Promise<Look> {
    const rounds = this.#roundsOf(identity);
    const turn = plan.call.slice(0, callsInTurn);
    await this.#callEach(turn, async ({ uid }) => {
      // Its turn may come seconds later: an address that it has given up may be another's by then.
      const pod = this.#mounting(identity, secretName).find((each) => each.uid === uid);
      if (pod === undefined) return;
      const problem = await this.#callOne(identity, change, pod, secretName);
      const begun = rounds.get(change.occasion);
      if (begun !== undefined) rounds.set(change.occasion, { ...begun, round: afterCall(begun.round, pod.uid, problem, this.#context.clock.nowMs()) });
    });
    if (turn.length > 0) return { record, nextAtMs: this.#context.clock.nowMs() };
    // Where there was nobody to tell, and never has been, there is nothing to say.
    const isSilent = plan.result === undefined || (plan.result.pods === 0 && record === undefined);
    return { record: isSilent ? record : { version: change.version, ...plan.result }, nextAtMs: plan.nextAtMs };
  }

  #roundsOf(identity: WorkloadIdentity): Begun['rounds'] {
    const { metadata } = identity;
    const id = idOf(identity);
    const known = this.#begun.get(id);
    if (known?.uid === metadata.uid) return known.rounds;
    const rounds: Begun['rounds'] = new Map();
    this.#begun.set(id, { uid: metadata.uid, rounds });
    return rounds;
  }

  /** The round of a change: a new one for another version, and for another call to those who could not be reached by the last. */
  #round(begun: BegunRound | undefined, { version, http }: Change, record: ReloadRecord | undefined, boundMs: number): Round {
    const nowMs = this.#context.clock.nowMs();
    // A trust domain of others that changes all the time keeps nobody from being told: what has begun is brought to its end.
    const goesOn = begun !== undefined && differInOthersAlone(begun.round.version, version) && !isSettled(begun.round, record, nowMs);
    if (begun === undefined || (begun.round.version !== version && !goesOn)) return newRound(version, nowMs + boundMs);
    return isDeepStrictEqual(begun.http, http) ? begun.round : newRound(begun.round.version, begun.round.dueMs);
  }

  async #callEach(pods: readonly PodFacts[], call: (pod: PodFacts) => Promise<void>): Promise<void> {
    const waiting = [...pods];
    const callNext = async (): Promise<void> => {
      for (let pod = waiting.shift(); pod !== undefined; pod = waiting.shift()) await call(pod);
    };
    await Promise.all(Array.from({ length: callsAtOnce }, callNext));
  }

  async #callOne(identity: WorkloadIdentity, change: Change & { readonly http: HttpCall }, { ip = '' }: PodFacts, secretName: string): Promise<string | undefined> {
    const { port, path, scheme = 'HTTP' } = change.http;
    const { trustDomain = '', spiffeID = '' } = identity.status ?? {};
    const caPem = this.#domains.get(trustDomain)?.bundle?.caPem;
    if (scheme === 'HTTPS' && caPem === undefined) return `the roots of trust domain ${trustDomain} are not known yet`;
    const trust = scheme === 'HTTPS' ? { caPem: caPem ?? '', spiffeId: spiffeID } : undefined;
    return this.#call({ ip, port, path, body: bodyOf(identity, secretName, change), trust, signal: this.#signal });
  }

  /** Puts it into the status as it is by now, if that says anything else. */
  async #write(namespace: string, name: string, looks: ReadonlyMap<Occasion, Look>): Promise<void> {
    const identity = this.#caches.identities.get(namespace, name);
    if (identity === undefined) return;
    const records = new Map([...looks].flatMap(([occasion, { record }]) => (record === undefined ? [] : [[occasion, record] as const])));
    const hindrances = [...looks.values()].flatMap(({ hindrance }) => hindrance ?? []);
    const isOpen = [...looks.values()].some((look) => look.isOpen === true);
    const status = withReload(identity, { records, hindrances, isOpen }, this.#context.clock.nowMs());
    if (sameStatus(identity.status ?? { conditions: [] }, status)) return;
    const { uid, resourceVersion } = identity.metadata;
    this.#caches.identities.observeWrite(await this.#context.store.patchStatus({ kind: 'WorkloadIdentity', namespace, name }, status, { uid, resourceVersion }));
    this.#announce(identity, status);
  }

  /** An Event when it begins to fail, or fails for another reason. */
  #announce(identity: WorkloadIdentity, status: WorkloadIdentityStatus): void {
    const [before, after] = [identity.status, status].map((each) => each?.conditions?.find(({ type }) => type === reloadedCondition));
    if (after?.status !== 'False' || (before?.status === 'False' && before.reason === after.reason)) return;
    this.#context.events.record(identity, { type: 'Warning', reason: after.reason, message: after.message });
  }
}

/** Whether nothing more comes of a round that is worth waiting for: how it went is written down, or it was about nobody. */
function isSettled(round: Round, record: ReloadRecord | undefined, nowMs: number): boolean {
  return isOver(round, nowMs) && (round.pods.length === 0 || record?.version === round.version);
}

const restartNotAllowed: Hindrance = {
  reason: 'RestartNotAllowed',
  message: 'spec.reload.onBundle.rolloutRestart needs rights that mtlsd does not have here: set reload.rolloutRestart.enabled of the chart, or call the pods by http',
};
