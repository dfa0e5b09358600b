import { createHash, pbkdf2 } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Hashes that keystores are made with. */
export type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** What a derived key is for (RFC 7292 appendix B.3). */
export const derivedFor = { encryptionKey: 1, initialisationVector: 2, macKey: 3 } as const;

/** The most rounds that are taken from a file: about a second of work. What keytool and OpenSSL write has 10,000 or fewer. */
export const iterationsMax = 1_000_000;

/** Rounds between two turns of the event loop: less than a millisecond. */
const roundsPerTurn = 500;

const digestBytes: Readonly<Record<Digest, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const blockBytes = (digest: Digest): number => (digest === 'sha1' || digest === 'sha256' ? 64 : 128);

const pbkdf2OffLoop = promisify(pbkdf2);

/** PBKDF2 (RFC 8018 §5.2) with HMAC, in the thread pool. */
export async function derivePbkdf2(password: string, salt: Uint8Array, iterations: number, length: number, digest: Digest): Promise<Uint8Array> {
  return pbkdf2OffLoop(Buffer.from(password, 'utf8'), salt, iterations, length, digest);
}

/** A password as RFC 7292 appendix B.1 wants it: UTF-16, big endian, with a zero at its end. */
function zeroTerminated(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, 'utf16le').swap16();
}

/** `bytes` again and again, as often as it takes to fill whole blocks. */
function filled(bytes: Uint8Array, block: number): Uint8Array {
  const length = block * Math.ceil(bytes.length / block);
  return Uint8Array.from({ length }, (_, index) => bytes[index % bytes.length] ?? 0);
}

async function iterated(digest: Digest, first: Uint8Array, iterations: number): Promise<Buffer> {
  let value = createHash(digest).update(first).digest();
  for (let round = 1; round < iterations; round += 1) {
    if (round % roundsPerTurn === 0) await nextTurn();
    value = createHash(digest).update(value).digest();
  }
  return value;
}

/** Adds `addend` + 1 to each block of `into`, as numbers, most significant octet first, without what overflows. */
function addToBlocks(into: Uint8Array, addend: Uint8Array): void {
  for (let start = 0; start < into.length; start += addend.length) {
    let carry = 1;
    for (let index = addend.length - 1; index >= 0; index -= 1) {
      carry += (into[start + index] ?? 0) + (addend[index] ?? 0);
      into[start + index] = carry & 0xff;
      carry >>= 8;
    }
  }
}

/**
 * RFC 7292 appendix B.2: keys of the older kind, and the key of every MAC. Nothing native computes it, so it runs here, in
 * turns with the rest of the event loop.
 */
export async function derivePkcs12(password: string, salt: Uint8Array, iterations: number, length: number, purpose: (typeof derivedFor)[keyof typeof derivedFor], digest: Digest): Promise<Uint8Array> {
  const block = blockBytes(digest);
  const diversifier = new Uint8Array(block).fill(purpose);
  const input = Buffer.concat([filled(salt, block), filled(zeroTerminated(password), block)]);
  const derived = Buffer.alloc(Math.ceil(length / digestBytes[digest]) * digestBytes[digest]);
  for (let at = 0; at < length; at += digestBytes[digest]) {
    const part = await iterated(digest, Buffer.concat([diversifier, input]), iterations);
    derived.set(part, at);
    addToBlocks(input, filled(part, block));
  }
  return new Uint8Array(derived.subarray(0, length));
}
