import { setTimeout as sleep } from 'node:timers/promises';

const pauseMs = 25;

/** How long a condition may take: it only matters when it never comes true, so it is generous. */
const patienceMs = 60_000;

/**
 * Waits until `look` answers something, and answers that. What it throws counts as "not yet".
 * @throws naming `what`, and the last thing that `look` threw, when it takes too long
 */
export async function until<T>(what: string, look: () => T | Promise<T>, timeoutMs = patienceMs): Promise<NonNullable<Awaited<T>>> {
  const endMs = performance.now() + timeoutMs;
  let cause: unknown;
  while (performance.now() < endMs) {
    try {
      const found = await look();
      if (found !== undefined && found !== null && found !== false) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await sleep(pauseMs);
  }
  throw new Error(`waited ${timeoutMs / 1000} s in vain until ${what}`, { cause });
}
