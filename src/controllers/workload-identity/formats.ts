import { createHash } from 'node:crypto';
import { type KeystoreSettings, type ResolvedIdentitySpec } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import { parsePem } from '../../x509/index.ts';
import type { RenderedBundle } from '../domains.ts';
import type { PasswordReading } from './keystore-password.ts';

/** The files of a keystore. */
export const keystoreFiles = ['keystore.p12', 'truststore.p12'] as const;

/** Annotation that says which of the further formats a Secret holds, and what the keystores were made of. */
export const formatsAnnotation = 'mtlsd.io/formats';

/** The keystores in a Secret, as it was written: what is in them need not be opened to be known. */
export interface DeliveredKeystores {
  /** Of the certificate in them. */
  readonly serialNumber: string;
  /** End of that certificate's validity, RFC 3339. */
  readonly notAfter: string;
  readonly bundleGeneration: number;
  /** Digest of the settings that they were written with. */
  readonly settings: string;
  /** Version of what the password was read from. It tells nothing of the password. */
  readonly password: string;
  /** SHA-256 of each file, hexadecimal. Keystores are salted: the same content makes other bytes each time. */
  readonly files: Readonly<Record<string, string>>;
}

/** The further formats in a Secret. */
export interface DeliveredFormats {
  readonly der: boolean;
  readonly keystores: DeliveredKeystores | undefined;
}

const noFormats: DeliveredFormats = { der: false, keystores: undefined };

/** What the annotation of a Secret says. One that somebody edited says nothing: then the formats are written again. */
export function deliveredFormats(secret: Pick<SecretMetadata, 'metadata'>): DeliveredFormats {
  try {
    const { der, keystores } = JSON.parse(secret.metadata.annotations?.[formatsAnnotation] ?? '{}') as Partial<DeliveredFormats>;
    return { der: der === true, keystores: isKeystores(keystores) ? keystores : undefined };
  } catch {
    return noFormats;
  }
}

function isKeystores(value: Partial<DeliveredKeystores> | undefined): value is DeliveredKeystores {
  const texts = [value?.serialNumber, value?.notAfter, value?.settings, value?.password];
  return texts.every((text) => typeof text === 'string') && typeof value?.bundleGeneration === 'number' && typeof value.files === 'object' && value.files !== null;
}

/** The annotation's text, or undefined when there is nothing to say. */
export function encodeFormats(formats: DeliveredFormats): string | undefined {
  return formats.der || formats.keystores !== undefined ? JSON.stringify(formats) : undefined;
}

/** A digest of what decides how keystores are written, besides pair, bundle and password. */
export function settingsDigest({ profile, alias, trustAlias }: KeystoreSettings): string {
  return createHash('sha256').update(JSON.stringify([profile, alias, trustAlias])).digest('hex').slice(0, 32);
}

/** SHA-256, hexadecimal. */
export function fileDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The DER files of a pair and its bundle. Where there are several certificates they stand one behind the other. */
export function derFiles(chainPem: string, privateKeyPem: string, bundle: Pick<RenderedBundle, 'caPem'>): Record<string, Uint8Array> {
  const ders = (pem: string): readonly Uint8Array[] => parsePem(pem).map((block) => block.der);
  const chain = ders(chainPem);
  return {
    'tls.der': chain[0] ?? new Uint8Array(0),
    'chain.der': Buffer.concat(chain),
    'key.der': Buffer.concat(ders(privateKeyPem)),
    'ca.der': Buffer.concat(ders(bundle.caPem)),
  };
}

/** What decides whether the formats in a Secret are those that are asked for. */
export interface FormatsQuestion {
  readonly resolved: Pick<ResolvedIdentitySpec, 'der' | 'keystore'>;
  readonly password: PasswordReading | undefined;
  /** A version of the password's source that was found to hold the password that the keystores open with. */
  readonly sameAsVersion: string | undefined;
  readonly serialNumber: string | undefined;
  readonly bundleGeneration: number;
}

/** Why the formats in a Secret have to be written again although pair and bundle are in place, or undefined. */
export function formatsReason(secret: SecretMetadata, { resolved, password, sameAsVersion, serialNumber, bundleGeneration }: FormatsQuestion): FormatsReason | undefined {
  const { der, keystores } = deliveredFormats(secret);
  const { keystore } = resolved;
  if (der !== resolved.der) return 'the formats changed';
  if (keystore === undefined) return keystores === undefined ? undefined : 'the formats changed';
  // Without a password there is nothing to write; what is there stays as long as it is of use.
  if (password?.kind !== 'read') return undefined;
  if (keystores === undefined) return 'the keystore was missing';
  if (keystores.serialNumber !== serialNumber || keystores.bundleGeneration !== bundleGeneration) return 'the keystore was of another pair';
  if (keystores.settings !== settingsDigest(keystore)) return 'the formats changed';
  return keystores.password === password.version || sameAsVersion === password.version ? undefined : 'the keystore password changed';
}

/** See `formatsReason`. */
export type FormatsReason = 'the formats changed' | 'the keystore was missing' | 'the keystore was of another pair' | 'the keystore password changed';

/** Whether keystores may stay beside a newer pair while no password is there to write new ones: valid, with the same roots. */
export function mayStay(keystores: DeliveredKeystores | undefined, bundleGeneration: number, nowMs: number): keystores is DeliveredKeystores {
  // Roots that are distrusted must be gone from every file of the Secret.
  return keystores !== undefined && keystores.bundleGeneration === bundleGeneration && Date.parse(keystores.notAfter) > nowMs;
}
