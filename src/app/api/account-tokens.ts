import { isMtlsdError } from '../../errors/index.ts';
import type { Identification } from '../../server/index.ts';
import { reviewToken, type KubernetesStore, type TokenReview } from '../../store/kubernetes/index.ts';
import type { Pod } from '../../resources/index.ts';
import type { Store } from '../../store/port.ts';
import type { Log } from '../../telemetry/index.ts';
import type { UnverifiedToken } from '../../tokens/index.ts';
import type { AccountTokens } from './callers.ts';

/** What tokens of service accounts must be made for. */
const accountAudience = 'mtlsd';
const notForUs = `it is not for the audience ${accountAudience}`;

/** Has a token judged. */
export type ReviewToken = (token: string) => Promise<TokenReview>;

/** Reviews that are under way at most: a flood of tokens must not become one of the API server. */
const reviewsMax = 64;
const accountName = /^system:serviceaccount:([^:]+):([^:]+)$/u;
const podNameKey = 'authentication.kubernetes.io/pod-name';
const podUidKey = 'authentication.kubernetes.io/pod-uid';

/**
 * Service accounts of a cluster, by tokens that its API server judges. What the token is bound to is looked at as it is now:
 * the service account and, where there is one, the pod must still be those for which the token was made, and run.
 */
export class ReviewedAccounts implements AccountTokens {
  readonly #review: ReviewToken;
  readonly #store: Pick<Store, 'get'>;
  readonly #log: Log;
  #underWay = 0;

  constructor(review: ReviewToken, store: Pick<Store, 'get'>, log: Log) {
    this.#review = review;
    this.#store = store;
    this.#log = log;
  }

  /** Over the connections of a store. */
  static over(store: KubernetesStore, log: Log): ReviewedAccounts {
    return new ReviewedAccounts(async (token) => reviewToken(store.api, token, accountAudience), store, log);
  }

  async identify(token: string, { claims }: UnverifiedToken): Promise<Identification> {
    // A token for somebody else is not even shown to the API server.
    if (![claims['aud']].flat().includes(accountAudience)) return refused(notForUs);
    if (this.#underWay >= reviewsMax) return { known: false, code: 'API_RATE_LIMITED', message: 'more tokens are being judged than the API server is asked at once', retryAfterMs: 1_000 };
    this.#underWay += 1;
    try {
      return await this.#identify(token);
    } catch (error) {
      if (!isMtlsdError(error)) throw error;
      this.#log.error('tokens of service accounts cannot be judged', { why: error.message });
      return { known: false, code: 'API_TOKENS_UNJUDGED', message: 'the API server cannot judge tokens now' };
    } finally {
      this.#underWay -= 1;
    }
  }

  async #identify(token: string): Promise<Identification> {
    const review = await this.#review(token);
    if (!review.authenticated) return refused('the API server does not accept it: it is expired, of another cluster, or what it is bound to is gone');
    if (!review.audiences.includes(accountAudience)) return refused(notForUs);
    const [, namespace, name] = accountName.exec(review.username) ?? [];
    if (namespace === undefined || name === undefined) return refused('it is not one of a service account');
    const wrong = await this.#boundWrongly(review, namespace, name);
    return wrong === undefined ? { known: true, caller: { kind: 'service-account', namespace, name, uid: review.uid } } : refused(wrong);
  }

  async #boundWrongly({ uid, extra }: Extract<TokenReview, { authenticated: true }>, namespace: string, name: string): Promise<string | undefined> {
    const podName = extra[podNameKey]?.[0];
    const [account, pod] = await Promise.all([
      this.#store.get({ kind: 'ServiceAccount', namespace, name }),
      podName === undefined ? undefined : this.#store.get({ kind: 'Pod', namespace, name: podName }),
    ]);
    if (account?.metadata.uid !== uid || account.metadata.deletionTimestamp !== undefined) return 'its service account was deleted since it was made';
    return podName === undefined ? undefined : podProblem(pod, extra[podUidKey]?.[0], name);
  }
}

function podProblem(pod: Pod | undefined, uid: string | undefined, account: string): string | undefined {
  if (pod === undefined || pod.metadata.uid !== uid) return 'its pod is gone';
  if ((pod.spec.serviceAccountName ?? 'default') !== account) return 'its pod runs as another service account';
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' ? 'its pod has ended' : undefined;
}

function refused(message: string): Identification {
  return { known: false, code: 'API_TOKEN_REFUSED', message: `the token is refused: ${message}` };
}
