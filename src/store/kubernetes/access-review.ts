import { MtlsdError } from '../../errors/index.ts';
import type { Api } from './api.ts';

/** Who is asked about, as the API server knows it. */
export interface ReviewedUser {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
}

/** What is asked: one verb on one kind of object, of a namespace and by a name, or of all where these are left out. */
export interface ReviewedAccess {
  readonly verb: 'get' | 'list';
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/**
 * Whether a user may do something, by the API server's own word (authorization.k8s.io/v1, SubjectAccessReview). Whatever is not
 * a plain yes is a no.
 * @throws STORE_UNAVAILABLE, STORE_FORBIDDEN when it cannot be asked
 */
export async function reviewAccess(api: Api, user: ReviewedUser, access: ReviewedAccess): Promise<boolean> {
  const { username, ...more } = user;
  const body = JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: username, ...more, resourceAttributes: access } });
  const answer = await api.submit({ method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body });
  const object = 'SubjectAccessReview';
  if (answer.status === 401 || answer.status === 403) {
    throw new MtlsdError('STORE_FORBIDDEN', 'The API server lets nobody of this name ask what others may: grant create on subjectaccessreviews.authorization.k8s.io.', { details: { object } });
  }
  const status = answer.status === 201 ? parse(answer.text) : undefined;
  if (status === undefined) throw new MtlsdError('STORE_UNAVAILABLE', `The API server did not review an access (HTTP ${answer.status}).`, { details: { object } });
  return status.allowed === true && status.denied !== true;
}

interface Status {
  readonly allowed?: boolean;
  readonly denied?: boolean;
}

function parse(text: string): Status | undefined {
  try {
    return (JSON.parse(text) as { readonly status?: Status }).status;
  } catch {
    return undefined;
  }
}
