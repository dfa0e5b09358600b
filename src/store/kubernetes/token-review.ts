import { MtlsdError } from '../../errors/index.ts';
import type { Api } from './api.ts';

/** What the API server says about a token. */
export type TokenReview =
  | { readonly authenticated: false }
  | {
      readonly authenticated: true;
      readonly username: string;
      readonly uid: string;
      readonly audiences: readonly string[];
      readonly extra: Readonly<Record<string, readonly string[]>>;
    };

interface Status {
  readonly authenticated?: boolean;
  readonly user?: { readonly username?: string; readonly uid?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly audiences?: readonly string[];
}

/**
 * Has the API server judge a token that must be for `audience` (authentication.k8s.io/v1): it knows whether the objects that a
 * token is bound to still exist. Why it refuses one is not passed on: it may quote the token.
 * @throws STORE_UNAVAILABLE, STORE_FORBIDDEN when it cannot be asked
 */
export async function reviewToken(api: Api, token: string, audience: string): Promise<TokenReview> {
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [audience] } });
  const answer = await api.submit({ method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', body });
  const object = 'TokenReview';
  if (answer.status === 401 || answer.status === 403) {
    throw new MtlsdError('STORE_FORBIDDEN', 'The API server lets nobody of this name have tokens reviewed: grant create on tokenreviews.authentication.k8s.io.', { details: { object } });
  }
  const status = answer.status === 201 ? parse(answer.text) : undefined;
  if (status === undefined) throw new MtlsdError('STORE_UNAVAILABLE', `The API server did not review a token (HTTP ${answer.status}).`, { details: { object } });
  const { authenticated = false, user, audiences = [] } = status;
  if (!authenticated) return { authenticated: false };
  return { authenticated: true, username: user?.username ?? '', uid: user?.uid ?? '', audiences, extra: user?.extra ?? {} };
}

function parse(text: string): Status | undefined {
  try {
    return (JSON.parse(text) as { readonly status?: Status }).status;
  } catch {
    return undefined;
  }
}
