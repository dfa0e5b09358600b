import { isMtlsdError } from '../../errors/index.ts';
import type { KeystoreSettings, PasswordReference } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';

/** A password that was read. It is never part of what is logged, printed or turned into JSON. */
class KeystorePassword {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }
}

/** What was found where the password of a keystore should be, and when to look again. */
export type PasswordReading = { readonly lookAgainMs: number } & (
  | {
      readonly kind: 'read';
      readonly password: KeystorePassword;
      /** Another one with each change of where it was read, though perhaps not of the password. Tells nothing of the password. */
      readonly version: string;
    }
  | { readonly kind: 'unusable'; readonly reason: string; readonly message: string }
);

/** Names the place that a password is read from. */
export function passwordKey({ password }: KeystoreSettings): string {
  return JSON.stringify(password);
}

/** How late a changed password is seen in a cluster, where each look is a request. */
const clusterIntervalMs = 5 * 60_000;
/** How late one that is missing is seen to be there. */
const missingIntervalMs = 30_000;
/** How late a changed file is seen. */
const fileIntervalMs = 5_000;

const passwordCharactersMin = 6;
const passwordCharactersMax = 256;

interface Source {
  /** As a person knows it. */
  readonly place: string;
  readonly intervalMs: number;
  readonly bytes: Uint8Array;
  readonly version: string;
}

type Context = Pick<ControllerContext, 'store' | 'cluster' | 'readPasswordFile'>;
type Unusable = Omit<Extract<PasswordReading, { kind: 'unusable' }>, 'kind'>;

function unusable(reason: string, message: string, lookAgainMs: number): Unusable {
  return { reason, message, lookAgainMs };
}

/**
 * Reads the password of a keystore afresh: it is held for one piece of work, never in a cache.
 *
 * @throws STORE_UNAVAILABLE
 */
export async function readPassword(context: Context, namespace: string, reference: PasswordReference): Promise<PasswordReading> {
  const source = 'file' in reference ? await fromFile(context, reference.file) : await fromSecret(context, namespace, reference);
  if ('reason' in source) return { kind: 'unusable', ...source };
  const text = Buffer.from(source.bytes).toString('latin1').replace(/\r?\n$/u, '');
  // Printable ASCII: readers encode what is outside of it in different ways. keytool wants six characters.
  const isFit = /^[\x20-\x7e]*$/u.test(text) && text.length >= passwordCharactersMin && text.length <= passwordCharactersMax;
  if (!isFit) {
    const rule = `a keystore's password has ${passwordCharactersMin} to ${passwordCharactersMax} characters of printable ASCII, and one line break behind them does not count`;
    return { kind: 'unusable', ...unusable('KeystorePasswordInvalid', `the value of ${source.place} cannot be a password: ${rule}`, Math.min(source.intervalMs, missingIntervalMs)) };
  }
  return { kind: 'read', password: new KeystorePassword(text), version: source.version, lookAgainMs: source.intervalMs };
}

async function fromSecret({ store, cluster }: Context, namespace: string, { secret: name, key }: { readonly secret: string; readonly key: string }): Promise<Source | Unusable> {
  const place = `Secret ${namespace}/${name}`;
  if (cluster === undefined) {
    return unusable('KeystorePasswordUnsupported', 'spec.formats.pkcs12.passwordSecretRef names a Secret, and there are none outside Kubernetes: set passwordFile to a file below the folder of manifests', clusterIntervalMs);
  }
  try {
    const secret = await store.get({ kind: 'Secret', namespace, name });
    if (secret === undefined) return unusable('KeystorePasswordMissing', `${place}, which holds the password, does not exist: create it with the key ${key}`, missingIntervalMs);
    const value = secret.data[key];
    if (value === undefined) return unusable('KeystorePasswordMissing', `${place}, which holds the password, has no key ${key}: add it, or set spec.formats.pkcs12.passwordSecretRef.key to the key that it has`, missingIntervalMs);
    const { uid, resourceVersion } = secret.metadata;
    return { place: `key ${key} of ${place}`, intervalMs: clusterIntervalMs, bytes: Buffer.from(value, 'base64'), version: `${uid}/${resourceVersion}/${key}` };
  } catch (error) {
    if (!isMtlsdError(error, 'STORE_FORBIDDEN')) throw error;
    return unusable('KeystorePasswordOutOfReach', `mtlsd may not read ${place}, which holds the password: give it the rights to Secrets of this namespace`, missingIntervalMs);
  }
}

async function fromFile({ readPasswordFile }: Context, path: string): Promise<Source | Unusable> {
  if (readPasswordFile === undefined) {
    return unusable('KeystorePasswordUnsupported', 'spec.formats.pkcs12.passwordFile names a file, and in a cluster none is read: set passwordSecretRef to a Secret of this namespace', clusterIntervalMs);
  }
  const found = await readPasswordFile(path);
  if ('problem' in found) return unusable('KeystorePasswordMissing', `the file ${path}, which holds the password, cannot be used: ${found.problem}`, fileIntervalMs);
  return { place: `the file ${path}`, intervalMs: fileIntervalMs, ...found };
}
