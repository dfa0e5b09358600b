const { env } = process;

/** Seconds that a person grants to every fuzzer (`FUZZ_SECONDS=600`); undefined: the bounded number of cases that CI runs. */
export const fuzzSeconds: number | undefined = env['FUZZ_SECONDS'] === undefined ? undefined : Number(env['FUZZ_SECONDS']);

/** The seed of a run: fixed, so that what fails once fails again; another one by `FUZZ_SEED`, or by the clock on a long run. */
export const fuzzSeed: number = Number(env['FUZZ_SEED'] ?? (fuzzSeconds === undefined ? 1 : Date.now() % 2 ** 31));

/** Runs over the numbers of cases: `count` of them, or as many as fit into `fuzzSeconds`. */
export function* cases(count: number): Iterable<number> {
  const untilMs = fuzzSeconds === undefined ? undefined : Date.now() + fuzzSeconds * 1000;
  for (let index = 0; untilMs === undefined ? index < count : Date.now() < untilMs; index += 1) yield index;
}

/** How long a test with `cases` may take. */
export const fuzzTimeoutMs = 120_000 + (fuzzSeconds ?? 0) * 1000;
