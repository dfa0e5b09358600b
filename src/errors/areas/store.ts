import { entry } from '../entry.ts';

interface ObjectDetails extends Readonly<Record<string, string>> {
  /** `Kind namespace/name` of the object that the operation was about. */
  readonly object: string;
}

/** Errors of the store's port: what every adapter may throw. */
export const storeErrors = {
  STORE_NOT_FOUND: entry<ObjectDetails>({
    meaning: 'The object does not exist (any more).',
    remedy: 'Nothing, when it was deleted on purpose; otherwise create it again.',
    status: 404,
    retry: 'never',
    reason: 'NotFound',
  }),
  STORE_ALREADY_EXISTS: entry<ObjectDetails>({
    meaning: 'An object of that name exists already and was not made by this write.',
    remedy: 'Choose another name, or remove the existing object if nothing needs it.',
    status: 409,
    retry: 'never',
    reason: 'AlreadyExists',
  }),
  STORE_CONFLICT: entry<ObjectDetails>({
    meaning: 'The object changed between reading and writing it.',
    remedy: 'Nothing: the write is decided anew on what is there now.',
    status: 409,
    retry: 'backoff',
    reason: 'Conflict',
  }),
  STORE_INVALID: entry<ObjectDetails>({
    meaning: 'The store refused the object because it breaks a rule of its schema or of a policy.',
    remedy: 'Correct the field that the message names.',
    status: 422,
    retry: 'never',
    reason: 'Invalid',
  }),
  STORE_FORBIDDEN: entry<ObjectDetails>({
    meaning: 'mtlsd lacks a right that it needs.',
    remedy: 'Grant the verb on the resource that the message names.',
    status: 403,
    retry: 'backoff',
    reason: 'Forbidden',
  }),
  STORE_TERMINATING: entry<ObjectDetails>({
    meaning: 'The namespace of the object is being deleted: nothing new can be created in it.',
    remedy: 'Nothing, or use another namespace.',
    status: 409,
    retry: 'backoff',
    reason: 'NamespaceTerminating',
  }),
  STORE_UNAVAILABLE: entry<ObjectDetails>({
    meaning: 'The store cannot be reached or answered with a passing failure.',
    remedy: 'Nothing if it passes: mtlsd tries again. Otherwise look at the store that the message names.',
    status: 503,
    retry: 'after',
    reason: 'StoreUnavailable',
  }),
} as const;
