import { entry } from '../entry.ts';

interface ObjectDetails extends Readonly<Record<string, string>> {
  /** `Kind namespace/name` of the object that the operation was about. */
  readonly object: string;
}

interface FolderDetails extends Readonly<Record<string, string>> {
  /** The folder or file that the error is about. */
  readonly path: string;
}

interface ManifestDetails extends Readonly<Record<string, string | number>> {
  /** The file, as its path below the folder of manifests. */
  readonly file: string;
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
  STORE_LOCKED: entry<FolderDetails>({
    meaning: 'Another mtlsd uses this state folder: two at once could sign with the same authority and overwrite each other.',
    remedy: 'Stop the process that the message names, or give this one a state folder of its own (--state).',
    status: 503,
    retry: 'backoff',
    reason: 'StateLocked',
  }),
  STORE_OUT_NOT_OURS: entry<FolderDetails>({
    meaning: 'The output folder holds files that this mtlsd did not write, or belongs to another state folder.',
    remedy: 'Choose a new or empty folder (--out), or the state folder (--state) that belongs to it.',
    status: 422,
    retry: 'never',
    reason: 'OutputNotOurs',
  }),
  STORE_STATE_NOT_OURS: entry<FolderDetails>({
    meaning: 'The state folder holds files that mtlsd did not write.',
    remedy: 'Choose a new or empty folder (--state).',
    status: 422,
    retry: 'never',
    reason: 'StateNotOurs',
  }),
  STORE_STATE_NEWER: entry<FolderDetails>({
    meaning: 'The folder or file was written by a newer mtlsd.',
    remedy: 'Run the newer version again, or restore a backup of this version.',
    status: 503,
    retry: 'never',
    reason: 'StateNewer',
  }),
  STORE_STATE_DAMAGED: entry<FolderDetails>({
    meaning: 'A file of the state folder cannot be read as what it should be.',
    remedy: 'Restore the file that the message names from a backup. mtlsd never replaces it by itself: it may hold the key of an authority.',
    status: 503,
    retry: 'never',
    reason: 'StateDamaged',
  }),
  STORE_FOLDERS_OVERLAP: entry<FolderDetails>({
    meaning: 'The folders of manifests, output and state lie in one another.',
    remedy: 'Choose three folders of which none lies in another.',
    status: 422,
    retry: 'never',
    reason: 'FoldersOverlap',
  }),
  MANIFESTS_UNAVAILABLE: entry<ManifestDetails>({
    meaning: 'The folder of manifests is missing, unreadable, or suddenly empty as after a lost mount. No object is removed because of that.',
    remedy: 'Bring the folder back. To remove all objects on purpose, leave any one file in it, such as .keep.',
    status: 503,
    retry: 'backoff',
    reason: 'ManifestsUnavailable',
  }),
  MANIFEST_UNREADABLE: entry<ManifestDetails>({
    meaning: 'The manifest cannot be read. Its objects stay as they last were.',
    remedy: 'Make the file readable for mtlsd, or remove it.',
    status: 422,
    retry: 'backoff',
    reason: 'Unreadable',
  }),
  MANIFEST_SYNTAX: entry<ManifestDetails>({
    meaning: 'The manifest is not well-formed YAML or JSON. Its objects stay as they last were.',
    remedy: 'Correct the file at the line that the message names.',
    status: 422,
    retry: 'never',
    reason: 'Invalid',
  }),
  MANIFEST_TOO_LARGE: entry<ManifestDetails>({
    meaning: 'The manifest is larger than 1 MiB or holds too many documents. Its objects stay as they last were.',
    remedy: 'Split the file.',
    status: 422,
    retry: 'never',
    reason: 'Invalid',
  }),
  MANIFEST_EMPTY: entry<ManifestDetails>({
    meaning: 'The manifest is empty, as a file is that is being written. Its objects stay as they last were.',
    remedy: 'Write the file again, or remove it to remove its objects.',
    status: 422,
    retry: 'never',
    reason: 'Invalid',
  }),
  MANIFEST_UNKNOWN: entry<ManifestDetails>({
    meaning: 'It cannot be told which object of mtlsd this is: its apiVersion, kind, name or namespace is missing or wrong.',
    remedy: 'Correct the field that the message names.',
    status: 422,
    retry: 'never',
    reason: 'Invalid',
  }),
  MANIFEST_DUPLICATE: entry<ManifestDetails>({
    meaning: 'Two manifests describe one object; the one that was seen first is used.',
    remedy: 'Remove one of the two that the message names.',
    status: 422,
    retry: 'never',
    reason: 'Duplicate',
  }),
  MANIFEST_INVALID: entry<ManifestDetails>({
    meaning: 'The object breaks a rule of its schema. An earlier valid version of it stays in force.',
    remedy: 'Correct the field that the message names.',
    status: 422,
    retry: 'never',
    reason: 'Invalid',
  }),
} as const;
