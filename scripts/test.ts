/**
 * `npm test`: every check and every test, in an order that fails early. The last line is `N passed, N failed, N skipped`.
 * On a person's machine what cannot run (no Go, not root) is skipped with one loud line; with CI=true a skip is a failure.
 * Names as arguments run only those steps: `npm test -- typecheck unit`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<Counts>;
}

const everyCore = '--maxWorkers=100%';
const inCi = process.env['CI'] === 'true';
const report = await mkdtemp(join(tmpdir(), 'mtlsd-test-'));

/** A check that either holds or does not. */
function check(name: string, command: string, ...args: readonly string[]): Step {
  return { name, run: async () => ((await call(command, args)) === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }) };
}

/** One vitest project. What only computes may take every core; what watches processes and disks leaves one to them. */
function project(name: string, ...options: readonly string[]): Step {
  return {
    name,
    run: async () => {
      const file = join(report, `${name}.json`);
      const status = await call('vitest', ['run', '--project', name, ...options, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
      return countTests(file, status);
    },
  };
}

/** What the cluster tests need is built first, outside their time-outs. */
const clusterBuild: Step = {
  name: 'cluster-build',
  run: async () => {
    if (spawnSync('go', ['version']).status !== 0) {
      console.error('\n!!! Go is missing: the tests on a real Kubernetes API server are skipped. Install Go 1.26 or newer to run them.\n');
      return { passed: 0, failed: 0, skipped: 1 };
    }
    return (await call('node', ['test/cluster/cli.ts', 'build'])) === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
  },
};

const steps: readonly Step[] = [
  check('typecheck', 'npm', 'run', '--silent', 'typecheck'),
  check('lint', 'npm', 'run', '--silent', 'lint'),
  check('generated', 'node', 'scripts/generate.ts', '--check'),
  project('unit', everyCore),
  project('component', everyCore),
  project('contract'),
  project('model', everyCore),
  project('fuzz'),
  project('standalone'),
  clusterBuild,
  project('conformance'),
  project('clients'),
  project('cluster'),
  project('docs'),
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`no such step: ${unknown.join(', ')}; there are ${steps.map((step) => step.name).join(', ')}`);
  process.exit(2);
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const lines: string[] = [];
let clusterSkipped = false;
for (const step of steps.filter((candidate) => wanted.length === 0 || wanted.includes(candidate.name))) {
  if (clusterSkipped && step.name === 'cluster') continue;
  const startedMs = Date.now();
  console.log(`\n── ${step.name} ──`);
  const counts = await step.run();
  if (step === clusterBuild && counts.skipped > 0) clusterSkipped = true;
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
  lines.push(`${step.name.padEnd(14)} ${String(counts.passed).padStart(5)} passed ${String(counts.failed).padStart(4)} failed ${String(counts.skipped).padStart(4)} skipped ${((Date.now() - startedMs) / 1000).toFixed(1).padStart(8)} s`);
}
await rm(report, { recursive: true, force: true });

console.log(`\n${lines.join('\n')}`);
if (inCi && total.skipped > 0) console.log('CI skips nothing: what was skipped counts as failed.');
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || (inCi && total.skipped > 0) ? 1 : 0;

async function call(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.on('error', () => resolve(127));
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** A run that died before it could report counts as one failure. */
async function countTests(file: string, status: number): Promise<Counts> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(text) as { numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number; numFailedTestSuites: number };
  const failed = result.numFailedTests === 0 && status !== 0 ? 1 : result.numFailedTests;
  return { passed: result.numPassedTests, failed, skipped: result.numPendingTests + result.numTodoTests };
}
