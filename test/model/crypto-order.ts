import { subtle } from 'node:crypto';

/**
 * WebCrypto works in a thread pool, so that two operations may end in either order. For a run that can be replayed they end
 * in the order in which they began; and the simulation waits for all of them before its next step.
 */
const inFlight = { count: 0 };
let tail: Promise<unknown> = Promise.resolve();

const methods = ['sign', 'verify', 'digest', 'importKey', 'exportKey', 'generateKey'] as const;
type Method = (...parameters: unknown[]) => Promise<unknown>;

let ordered = false;

/** Puts WebCrypto's answers in order, once for this process. */
export function orderWebCrypto(): void {
  if (ordered) return;
  ordered = true;
  const holder = Object.getPrototypeOf(subtle) as Record<(typeof methods)[number], Method>;
  for (const name of methods) {
    const original = holder[name];
    Object.defineProperty(holder, name, {
      configurable: true,
      writable: true,
      async value(this: unknown, ...parameters: unknown[]) {
        inFlight.count += 1;
        const work = original.apply(this, parameters);
        work.catch(() => undefined);
        const before = tail;
        const turn = Promise.resolve(before).then(() => work, () => work);
        tail = turn.catch(() => undefined);
        try {
          return await turn;
        } finally {
          inFlight.count -= 1;
        }
      },
    });
  }
}

/** Resolves when every promise that can go on without the simulation has gone on. */
export async function settled(): Promise<void> {
  do {
    await new Promise<void>((resolve) => setImmediate(resolve));
  } while (inFlight.count > 0);
}
