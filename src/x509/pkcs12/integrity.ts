import { createHmac, timingSafeEqual } from 'node:crypto';
import { type DerReader, tag } from '../der-reader.ts';
import { readOid } from '../der-values.ts';
import { readCount } from './count.ts';
import { digestOfHash, hashOidOf } from './digests.ts';
import type { RandomBytes } from './encryption.ts';
import { type Digest, derivedFor, derivePkcs12, iterationsMax } from './key-derivation.ts';
import { count, nullValue, objectIdentifier, octetString, sequence, type Structure } from './structure.ts';

/** What seals a keystore: everything in it, so that neither a certificate nor an alias can be exchanged. */
export interface Seal {
  /** The MacData over the AuthenticatedSafe. */
  over(authenticatedSafe: Uint8Array): Structure;
}

const macKeyBytes: Readonly<Record<Digest, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

/** A seal with HMAC (RFC 7292 §4). Its key is derived once for all keystores of one password. */
export async function makeSeal(password: string, randomBytes: RandomBytes, digest: 'sha1' | 'sha256'): Promise<Seal> {
  const saltBytes = digest === 'sha1' ? 8 : 16;
  const iterations = digest === 'sha1' ? 2048 : 10_000;
  const salt = randomBytes(saltBytes);
  const key = await derivePkcs12(password, salt, iterations, macKeyBytes[digest], derivedFor.macKey, digest);
  const algorithm = sequence(objectIdentifier(hashOidOf(digest)), nullValue());
  return {
    over: (authenticatedSafe) => {
      const mac = createHmac(digest, key).update(authenticatedSafe).digest();
      const digestInfo = sequence(algorithm, octetString(mac));
      return sequence(digestInfo, octetString(salt), count(iterations));
    },
  };
}

/** How a keystore is sealed, and whether the seal is whole and of this password. `macData` is over the content of one. */
export async function checkSeal(macData: DerReader, authenticatedSafe: Uint8Array, password: string): Promise<{ readonly intact: boolean; readonly digest: Digest }> {
  const digestInfo = macData.constructed(tag.sequence);
  const digest = digestOfHash(readOid(digestInfo.constructed(tag.sequence)));
  const mac = digestInfo.content(digestInfo.element(tag.octetString));
  digestInfo.finish();
  const salt = macData.content(macData.element(tag.octetString));
  // RFC 7292 §4: an iteration count of 1 is left out.
  const iterations = macData.done ? 1 : readCount(macData, iterationsMax);
  macData.finish();
  const key = await derivePkcs12(password, salt, iterations, macKeyBytes[digest], derivedFor.macKey, digest);
  const expected = createHmac(digest, key).update(authenticatedSafe).digest();
  return { intact: mac.length === expected.length && timingSafeEqual(mac, expected), digest };
}
