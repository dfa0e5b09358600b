import { generateKeyPair, type KeyAlgorithm, type KeyPair } from '../../src/x509/index.ts';

/** Key pairs that are made once and used by every run in turn: otherwise their generation would be most of the work. */
const sizes: Partial<Record<KeyAlgorithm, number>> = { ECDSAP256: 160, ED25519: 64 };
const pools = new Map<KeyAlgorithm, readonly KeyPair[]>();

/** Fills the pools. */
export async function fillKeyPools(): Promise<void> {
  for (const [algorithm, size] of Object.entries(sizes) as [KeyAlgorithm, number][]) {
    if (pools.has(algorithm)) continue;
    pools.set(algorithm, await Promise.all(Array.from({ length: size }, async () => generateKeyPair(algorithm))));
  }
}

/** Hands the pairs out in turn, from the first. */
export class KeyTurns {
  readonly #next = new Map<KeyAlgorithm, number>();

  take(algorithm: KeyAlgorithm): KeyPair {
    const pool = pools.get(algorithm) ?? [];
    const next = this.#next.get(algorithm) ?? 0;
    this.#next.set(algorithm, next + 1);
    const pair = pool[next % pool.length];
    if (pair === undefined) throw new Error(`no pool of ${algorithm}`);
    return pair;
  }
}
