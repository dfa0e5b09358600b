/** One figure of a benchmark, and the budget that it is held to when it has one. */
export interface Measurement {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** What `value` must reach (`>=`) or not exceed (`<=`). */
  readonly budget?: { readonly relation: '>=' | '<='; readonly value: number };
}

/** A benchmark: yields its figures as they are known, in the order in which people read them. */
export type Benchmark = () => AsyncIterable<Measurement>;

/** Whether a figure keeps its budget; one without a budget does. */
export function keepsBudget({ value, budget }: Measurement): boolean {
  if (budget === undefined) return true;
  return budget.relation === '>=' ? value >= budget.value : value <= budget.value;
}

/** CPU time of this process in microseconds, its threads included: what other processes do on the machine does not count. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * How often a second of CPU time `operation` runs: warmed up for `cpuMs` of CPU time, then measured over as
 * much. Asynchronous operations run one after the other.
 */
export async function ratePerSecond(operation: () => unknown, cpuMs: number): Promise<number> {
  await runFor(operation, cpuMs);
  return runFor(operation, cpuMs);
}

async function runFor(operation: () => unknown, cpuMs: number): Promise<number> {
  const batch = 8;
  const from = cpuMicroseconds();
  let [times, used] = [0, 0];
  while (used < cpuMs * 1000) {
    for (let index = 0; index < batch; index += 1) {
      const result = operation();
      if (result instanceof Promise) await result;
    }
    times += batch;
    used = cpuMicroseconds() - from;
  }
  return (times / used) * 1e6;
}

/** The middle one; of an even number the lower. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new RangeError('no values');
  return middle;
}
