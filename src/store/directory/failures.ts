import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import { describeKey } from '../object-key.ts';
import type { ObjectKey } from '../port.ts';
import { errnoOf } from './disk.ts';

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space. What was there before is untouched',
  EDQUOT: 'the disk quota is used up: free some space. What was there before is untouched',
  EROFS: 'the file system is mounted read-only: mount it writable',
  EACCES: 'mtlsd may not write there: give its user the right',
  EIO: 'the disk failed to answer: look at its health',
  EMFILE: 'mtlsd has too many files open: raise its limit (ulimit -n)',
  EEXIST: 'a file is where a folder is wanted: remove it, or name another folder',
  ENOTDIR: 'a file is where a folder is wanted: remove it, or name another folder',
  ENFILE: 'the machine has too many files open',
};

/** Turns what the file system says about a write into an error of the port; anything that is no system error stays. */
export function asStoreError(key: ObjectKey, path: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || isMtlsdError(error)) return error;
  const object = describeKey(key);
  const details = { object };
  if (errno === 'EPERM') {
    return new MtlsdError('STORE_FORBIDDEN', `${object} cannot be written to ${path}: only root may give a file to another owner. Run mtlsd as root, or leave the owner out (annotation mtlsd.io/file-owner, --file-owner).`, { details, cause: error });
  }
  if (errno === 'ENAMETOOLONG') {
    return new MtlsdError('STORE_INVALID', `${object} cannot be written to ${path}: the name is too long for this file system.`, { details, cause: error });
  }
  const what = advice[errno] ?? `the file system answered ${errno}`;
  return new MtlsdError('STORE_UNAVAILABLE', `${object} cannot be read or written at ${path}: ${what}.`, { details, cause: error });
}

/** Turns what the file system says when the folders are opened into an error that names the path. */
export function asFolderError(folders: { readonly out: string; readonly state: string }, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || isMtlsdError(error)) return error;
  const named = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : `${folders.out} or ${folders.state}`;
  const what = advice[errno] ?? `the file system answered ${errno}`;
  return new MtlsdError('STORE_UNAVAILABLE', `${named} cannot be used: ${what}.`, { details: { object: named }, cause: error });
}

/** A plain name that can stand in a path: an RFC 1123 subdomain. */
const pathSafe = /^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/u;

/** Whether a name can stand in a path as it is. Everything that comes from a manifest or an annotation is asked. */
export function isPathSafe(name: string): boolean {
  return pathSafe.test(name) && !name.includes('..');
}

/** @throws STORE_INVALID for a key whose parts cannot stand in a path */
export function requirePathSafe(key: ObjectKey): void {
  const unsafe = [key.namespace, key.name].find((part) => part !== undefined && !isPathSafe(part));
  if (unsafe === undefined) return;
  const object = describeKey(key);
  throw new MtlsdError('STORE_INVALID', `${object} was refused: "${unsafe}" is no name of lower-case letters, digits, "-" and ".".`, { details: { object } });
}
