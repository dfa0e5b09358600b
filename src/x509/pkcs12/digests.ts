import { DerError } from '../der-reader.ts';
import type { Digest } from './key-derivation.ts';
import { pkcs12Oid } from './oids.ts';

const hashes: Readonly<Record<Digest, string>> = { sha1: pkcs12Oid.sha1, sha256: pkcs12Oid.sha256, sha384: pkcs12Oid.sha384, sha512: pkcs12Oid.sha512 };
const hmacs: Readonly<Record<Digest, string>> = {
  sha1: pkcs12Oid.hmacWithSha1,
  sha256: pkcs12Oid.hmacWithSha256,
  sha384: pkcs12Oid.hmacWithSha384,
  sha512: pkcs12Oid.hmacWithSha512,
};

function named(table: Readonly<Record<Digest, string>>, oid: string): Digest {
  for (const digest of Object.keys(table) as Digest[]) if (table[digest] === oid) return digest;
  throw new DerError(`hash ${oid} is not supported`);
}

export const hashOidOf = (digest: Digest): string => hashes[digest];
export const hmacOidOf = (digest: Digest): string => hmacs[digest];
/** Throws DerError for a hash that is not known. */
export const digestOfHash = (oid: string): Digest => named(hashes, oid);
/** Throws DerError for a hash that is not known. */
export const digestOfHmac = (oid: string): Digest => named(hmacs, oid);
