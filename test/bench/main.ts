/**
 * `npm run bench [NAME] [-- --json]`: runs one benchmark or all of them. A table for people; with `--json` one object a
 * line. Exit code 1 when a budget is missed, 2 for a name that does not exist.
 */
import { type Benchmark, keepsBudget, type Measurement } from './measurement.ts';

/** One file a benchmark, loaded when it runs. */
const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  sign: async () => (await import('./sign.ts')).sign,
  verify: async () => (await import('./verify.ts')).verify,
  issue: async () => (await import('./issue.ts')).issue,
  idle: async () => (await import('./idle.ts')).idle,
  rotate: async () => (await import('./rotate.ts')).rotate,
  tokens: async () => (await import('./tokens.ts')).tokens,
  audit: async () => (await import('./audit.ts')).audit,
  api: async () => (await import('./api.ts')).api,
  pods: async () => (await import('./pods.ts')).pods,
};

// Figures are of servers as they come, not with the memory that tests let them take for speed.
process.env['GOGC'] ??= '100';

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}

function row(measurement: Measurement): string {
  const { metric, value, unit, budget } = measurement;
  const verdict = keepsBudget(measurement) ? 'ok' : 'MISSED';
  const against = budget === undefined ? '' : `${budget.relation} ${budget.value}  ${verdict}`;
  return `  ${metric.padEnd(52)} ${figure(value).padStart(10)} ${unit.padEnd(8)} ${against}`.trimEnd();
}

function line(measurement: Measurement): string {
  const { budget, ...rest } = measurement;
  const spelled = budget === undefined ? null : `${budget.relation} ${budget.value}`;
  return JSON.stringify({ ...rest, budget: spelled, ok: keepsBudget(measurement) });
}

async function run(name: string, json: boolean): Promise<boolean> {
  const load = benchmarks[name];
  if (load === undefined) throw new RangeError(`no benchmark "${name}": choose from ${Object.keys(benchmarks).join(', ')}`);
  const benchmark = await load();
  if (!json) process.stdout.write(`${name}\n`);
  let kept = true;
  for await (const measurement of benchmark()) {
    process.stdout.write(`${json ? line(measurement) : row(measurement)}\n`);
    kept &&= keepsBudget(measurement);
  }
  return kept;
}

async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const names = args.filter((argument) => argument !== '--json');
  let kept = true;
  for (const name of names.length === 0 ? Object.keys(benchmarks) : names) kept = (await run(name, json)) && kept;
  return kept ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
