import type { Clock } from '../telemetry/index.ts';

/** setTimeout takes no longer delay than this; a longer wait is made of several. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's clock. Its timers do not keep the process alive by themselves. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  schedule(atMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = atMs - Date.now();
      timer = leftMs > longestTimerMs ? setTimeout(arm, longestTimerMs) : setTimeout(callback, Math.max(0, leftMs));
    };
    arm();
    return () => clearTimeout(timer);
  },
};
