/**
 * `npm test`: every check and every test, in an order that fails early. The last line is `N passed, N failed, N skipped`.
 * On a person's machine what cannot run (no Go, not root) is skipped with one loud line; with CI=true a skip is a failure.
 * Names as arguments run only those steps: `npm test -- typecheck unit`.
 *
 * First what computes and ends soon; then three lanes side by side of what mostly waits (for processes, renewals, elections, pods).
 * Lanes of one stage are about as long as each other, so that no core is idle at its end. A step of a lane is printed whole when it has ended.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { cacheRoot } from '../test/cluster/places.ts';
import { missingForNode } from '../test/cluster/node/needs.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Runs a command, with its output where it belongs, and resolves with its exit status. */
type Call = (command: string, args: readonly string[]) => Promise<number>;

interface Step {
  readonly name: string;
  readonly run: (call: Call) => Promise<Counts>;
}

interface Outcome extends Counts {
  readonly name: string;
  readonly seconds: number;
}

/** What is read of the report that vitest writes. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly failureMessages?: readonly string[] }[];
  }[];
}

const everyCore = '--maxWorkers=100%';
const inCi = process.env['CI'] === 'true';
const report = await mkdtemp(join(tmpdir(), 'mtlsd-test-'));
/** Failed tests by name, each with the beginning of its message: told again at the very end, where a cut log still has them. */
const failures: string[] = [];
const passed: Counts = { passed: 1, failed: 0, skipped: 0 };
const failed: Counts = { passed: 0, failed: 1, skipped: 0 };
const skipped: Counts = { passed: 0, failed: 0, skipped: 1 };

// Hundreds of processes of Node are started below: each takes its modules compiled from the user's own cache.
process.env['NODE_COMPILE_CACHE'] ??= join(cacheRoot(process.env), 'compiled');

/** A check that either holds or does not. */
function check(name: string, command: string, ...args: readonly string[]): Step {
  return { name, run: async (call) => ((await call(command, args)) === 0 ? passed : failed) };
}

/** One vitest project. What only computes may take every core, and so may what mostly waits; the rest leaves one to what it watches. */
function project(name: string, ...options: readonly string[]): Step {
  return {
    name,
    run: async (call) => {
      const file = join(report, `${name}.json`);
      const status = await call('vitest', ['run', '--project', name, ...options, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
      return countTests(file, status);
    },
  };
}

/** The tests on a real API server, after what they need was built, outside their time-outs. */
const cluster: Step = {
  name: 'cluster',
  run: async (call) => {
    if (spawnSync('go', ['version']).status !== 0) {
      console.error('\n!!! Go is missing: the tests on a real Kubernetes API server are skipped. Install Go 1.26 or newer to run them.\n');
      return skipped;
    }
    return (await call('node', ['test/cluster/cli.ts', 'build'])) === 0 ? project('cluster', '--fileParallelism', '--maxWorkers=2').run(call) : failed;
  },
};

/** The tests in real pods. Images and programs are built outside their time-outs too. */
const node: Step = {
  name: 'node',
  run: async (call) => {
    const missing = missingForNode(process.env);
    if (missing.length === 0) return (await call('node', ['test/cluster/cli.ts', 'build', '--all'])) === 0 ? project('node').run(call) : failed;
    console.error(`\n!!! The tests in real pods are skipped: this machine lacks ${missing.join(', ')}.\n`);
    return skipped;
  },
};

type Lane = readonly Step[];
/** One after the other; the lanes of each side by side. */
const stages: readonly (readonly Lane[])[] = [
  [
    [
      check('typecheck', 'npm', 'run', '--silent', 'typecheck'),
      check('lint', 'npm', 'run', '--silent', 'lint'),
      check('generated', 'node', 'scripts/generate.ts', '--check'),
      project('unit', everyCore),
      // Many of its tests wait for a process or a time-out.
      project('component', '--maxWorkers=3'),
    ],
  ],
  [[project('model', everyCore)], [project('contract'), project('fuzz')]],
  // Pods and a fleet want the machine more than others do: not both at once.
  [[cluster], [node, project('rotation')], [project('standalone', '--maxWorkers=2'), project('conformance'), project('clients'), project('docs')]],
];
const all = stages.flat(2);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`no such step: ${unknown.join(', ')}; there are ${all.map((step) => step.name).join(', ')}`);
  process.exit(2);
}
const isWanted = ({ name }: Step): boolean => wanted.length === 0 || wanted.includes(name);

const outcomes: Outcome[] = [];
for (const stage of stages) {
  const lanes = stage.map((lane) => lane.filter(isWanted)).filter((lane) => lane.length > 0);
  await Promise.all(lanes.map(async (lane) => (lanes.length === 1 ? runLane(lane, callHere) : runLane(lane))));
}
await rm(report, { recursive: true, force: true });

if (failures.length > 0) console.log(`\n── what failed ──\n\n${failures.join('\n\n')}`);
console.log(`\n${outcomes.map(line).join('\n')}`);
const sum = (key: keyof Counts): number => outcomes.reduce((total, outcome) => total + outcome[key], 0);
if (inCi && sum('skipped') > 0) console.log('CI skips nothing: what was skipped counts as failed.');
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exitCode = sum('failed') > 0 || (inCi && sum('skipped') > 0) ? 1 : 0;

/** Runs steps one after the other; without `call` each writes into a file that is printed when it has ended. */
async function runLane(lane: Lane, call?: Call): Promise<void> {
  for (const step of lane) {
    if (call !== undefined) console.log(`\n── ${step.name} ──`);
    else console.log(`\n── ${step.name} begins ──`);
    const log = join(report, `${step.name}.log`);
    outcomes.push(await timed(step, call ?? callInto(log)));
    if (call === undefined) console.log(`\n── ${step.name} ──\n${await readFile(log, 'utf8').catch(() => '')}`);
  }
}

async function timed(step: Step, call: Call): Promise<Outcome> {
  const startedMs = Date.now();
  const counts = await step.run(call);
  return { name: step.name, ...counts, seconds: (Date.now() - startedMs) / 1000 };
}

async function callHere(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.on('error', () => resolve(127));
    child.on('close', (status) => resolve(status ?? 1));
  });
}

function callInto(file: string): Call {
  return async (command, args) =>
    new Promise((resolve) => {
      const output = createWriteStream(file, { flags: 'a' });
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.pipe(output, { end: false });
      child.stderr.pipe(output, { end: false });
      child.on('error', () => output.end(() => resolve(127)));
      child.on('close', (status) => output.end(() => resolve(status ?? 1)));
    });
}

function line({ name, passed, failed, skipped, seconds }: Outcome): string {
  const count = (value: number, width: number): string => String(value).padStart(width);
  return `${name.padEnd(14)} ${count(passed, 5)} passed ${count(failed, 4)} failed ${count(skipped, 4)} skipped ${seconds.toFixed(1).padStart(8)} s`;
}

/** A run that died before it could report counts as one failure. */
async function countTests(file: string, status: number): Promise<Counts> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return failed;
  const result = JSON.parse(text) as Report;
  failures.push(...failedTests(result));
  const count = result.numFailedTests === 0 && status !== 0 ? 1 : result.numFailedTests;
  return { passed: result.numPassedTests, failed: count, skipped: result.numPendingTests + result.numTodoTests };
}

/** Each failed test, and each file that could not even be run, with the first lines of what it says. */
function failedTests({ testResults }: Report): string[] {
  const beginning = (message: string): string => stripVTControlCharacters(message).split('\n').slice(0, 12).join('\n    ');
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const tests = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName, failureMessages = [] }) => `${fullName}\n    ${beginning(failureMessages.join('\n'))}`);
    if (tests.length === 0 && message !== '') tests.push(beginning(message));
    return tests.map((test) => `${relative(process.cwd(), name)}: ${test}`);
  });
}
