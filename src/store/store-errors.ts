import { MtlsdError } from '../errors/index.ts';
import { describeKey } from './object-key.ts';
import type { ObjectKey, Precondition } from './port.ts';

/** The errors that every adapter words alike. */

/** STORE_NOT_FOUND for the object at `key`. */
export function notFound(key: ObjectKey): MtlsdError<'STORE_NOT_FOUND'> {
  const object = describeKey(key);
  return new MtlsdError('STORE_NOT_FOUND', `${object} does not exist (any more).`, { details: { object } });
}

/** STORE_ALREADY_EXISTS for the object at `key`. */
export function alreadyExists(key: ObjectKey): MtlsdError<'STORE_ALREADY_EXISTS'> {
  const object = describeKey(key);
  return new MtlsdError('STORE_ALREADY_EXISTS', `${object} exists already and was not made by this write.`, { details: { object } });
}

/** STORE_CONFLICT for the object at `key`; `why` completes "… changed: ". */
export function conflict(key: ObjectKey, why: string): MtlsdError<'STORE_CONFLICT'> {
  const object = describeKey(key);
  return new MtlsdError('STORE_CONFLICT', `${object} changed since it was read: ${why}.`, { details: { object } });
}

/** Compares what a change is based on with what is there. @throws STORE_CONFLICT */
export function requireState(key: ObjectKey, current: Precondition, expect: Precondition): void {
  if (current.uid !== expect.uid) throw conflict(key, 'it was deleted and another one of its name was created');
  if (current.resourceVersion !== expect.resourceVersion) {
    throw conflict(key, `its resourceVersion is ${current.resourceVersion}, not ${expect.resourceVersion}`);
  }
}
