import { generateKeyPair, type KeyAlgorithm, type KeyPair } from '../../src/x509/index.ts';

/** Key pairs that are made once and used by every run in turn: otherwise their generation would be most of the work. */
const sizes: Partial<Record<KeyAlgorithm, number>> = { ECDSAP256: 160, ED25519: 64 };
const pools = new Map<KeyAlgorithm, readonly KeyPair[]>();

/** Fills the pools. @param more kinds of key that are used seldom and take long to make, with how many */
export async function fillKeyPools(more: typeof sizes = {}): Promise<void> {
  for (const [algorithm, size] of Object.entries({ ...sizes, ...more }) as [KeyAlgorithm, number][]) {
    if (pools.has(algorithm)) continue;
    pools.set(algorithm, await Promise.all(Array.from({ length: size }, async () => generateKeyPair(algorithm))));
  }
}

/** Hands the pairs out in turn, from the first; new ones when all are used up, for no two authorities may share a key. */
export class KeyTurns {
  readonly #next = new Map<KeyAlgorithm, number>();

  async take(algorithm: KeyAlgorithm): Promise<KeyPair> {
    const next = this.#next.get(algorithm) ?? 0;
    this.#next.set(algorithm, next + 1);
    return pools.get(algorithm)?.[next] ?? generateKeyPair(algorithm);
  }
}
