import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../certificate.ts';

/** A key in a PKCS#12 file with the certificates that belong to it, leaf first. */
export interface Pkcs12Entry {
  /** Its friendlyName. */
  readonly alias: string | undefined;
  readonly privateKey: KeyObject | undefined;
  readonly chain: readonly Certificate[];
}

/** A certificate in a PKCS#12 file that is not part of a key's chain. */
export interface Pkcs12Certificate {
  /** Its friendlyName. */
  readonly alias: string | undefined;
  readonly certificate: Certificate;
}

/** What a PKCS#12 file holds. */
export interface Pkcs12Content {
  readonly entries: readonly Pkcs12Entry[];
  /** Those that Java takes as trusted: they carry its attribute for that. */
  readonly trusted: readonly Pkcs12Certificate[];
  /** Those that are neither trusted nor of a key's chain: Java shows none of them. */
  readonly others: readonly Pkcs12Certificate[];
  /** `Modern`, `Compatible` (as `spec.formats.pkcs12.profile`), or what else protects it, in words. */
  readonly profile: string;
}
