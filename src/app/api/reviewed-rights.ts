import { isMtlsdError } from '../../errors/index.ts';
import type { RightSource, ServiceAccountCaller, Wanted } from '../../server/index.ts';
import { reviewAccess, type KubernetesStore, type ReviewedAccess, type ReviewedUser } from '../../store/kubernetes/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';

/** Asks whether a user may do something. */
export type ReviewAccess = (user: ReviewedUser, access: ReviewedAccess) => Promise<boolean>;

/** For how long an answer is used again: a right that was taken away is gone so soon. */
const rememberedMs = 5_000;
/** As many answers are kept; the oldest go first. */
const rememberedMax = 4_096;
/** Reviews that are under way at most: a flood of requests must not become one of the API server. */
const reviewsMax = 32;

/** Who may see what, by SubjectAccessReviews of the cluster. Each answer is used for some seconds, and asked for once at a time. */
export class ReviewedRights implements RightSource {
  readonly #review: ReviewAccess;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #log: Log;
  readonly #answers = new Map<string, { readonly untilMs: number; readonly answer: Promise<boolean | undefined> }>();
  #underWay = 0;

  constructor(review: ReviewAccess, clock: Pick<Clock, 'nowMs'>, log: Log) {
    this.#review = review;
    this.#clock = clock;
    this.#log = log;
  }

  /** Over the connections of a store. */
  static over(store: KubernetesStore, clock: Pick<Clock, 'nowMs'>, log: Log): ReviewedRights {
    return new ReviewedRights(async (user, access) => reviewAccess(store.api, user, access), clock, log);
  }

  async mayRead(caller: ServiceAccountCaller, wanted: Wanted): Promise<boolean | undefined> {
    const access = accessFor(wanted);
    const key = JSON.stringify([caller.uid, caller.namespace, caller.name, access]);
    const nowMs = this.#clock.nowMs();
    const known = this.#answers.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.answer;
    if (this.#underWay >= reviewsMax) return undefined;
    const answer = this.#ask(caller, access);
    this.#answers.delete(key);
    this.#answers.set(key, { untilMs: nowMs + rememberedMs, answer });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > rememberedMax && oldest !== undefined) this.#answers.delete(oldest);
    // What was no answer is asked again by the next one.
    if ((await answer) === undefined) this.#answers.delete(key);
    return answer;
  }

  async #ask({ namespace, name, uid }: ServiceAccountCaller, access: ReviewedAccess): Promise<boolean | undefined> {
    this.#underWay += 1;
    try {
      // The groups of every service account.
      const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
      return await this.#review({ username: `system:serviceaccount:${namespace}:${name}`, uid, groups }, access);
    } catch (error) {
      if (!isMtlsdError(error)) throw error;
      this.#log.error('what callers of the API may see cannot be judged', { why: error.message });
      return undefined;
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** The right in the cluster that shows the same. */
function accessFor(wanted: Wanted): ReviewedAccess {
  const group = 'mtlsd.io';
  switch (wanted.kind) {
    case 'WorkloadIdentity': {
      const { namespace, name } = wanted;
      return { verb: name === undefined ? 'list' : 'get', group, resource: 'workloadidentities', namespace, name };
    }
    case 'TrustDomain':
      return { verb: 'get', group, resource: 'trustdomains' };
    case 'CARotation':
      return { verb: 'list', group, resource: 'carotations' };
  }
}
