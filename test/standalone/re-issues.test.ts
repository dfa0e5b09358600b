import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startReaders } from './readers.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

const names = Array.from({ length: 50 }, (_, index) => `w${index}`);
const rounds = 20;

/** One daemon that issues a thousand pairs anew, each because its manifest changed, under the eyes of readers. */
test('L5, L17: forced renewals under reader loops: no mix for readers who do it right, and nothing is left behind', { timeout: 180_000 }, async () => {
  await using sandbox = new Sandbox();
  const write = (round: number): void => sandbox.write('all.yaml', trustDomain(), ...names.map((name) => identity(name, { dnsNames: [`r${round}.shop`] })));
  const isIn = (round: number): boolean => names.every((name) => sandbox.identity(name).now().leaf.subjectAltName?.includes(`DNS:r${round}.shop`));
  write(0);
  const daemon = sandbox.start('--log-level', 'warn');
  for (const name of names) await sandbox.issued(name);
  // The two generations before the newest are kept for readers that are on their way.
  for (const round of [1, 2, 3]) {
    write(round);
    await until(`round ${round} is issued`, () => isIn(round));
  }
  const filesBefore = await settledCount(sandbox);
  await using readers = startReaders(names.map((name) => sandbox.identity(name).folder));
  for (let round = 4; round < 4 + rounds; round += 1) {
    write(round);
    await until(`round ${round} is issued`, () => isIn(round));
  }
  const { bundle, resolved, again, naive } = await readers.stop();
  const share = ((100 * naive.mixed) / naive.reads).toFixed(3);
  console.log(`${names.length * rounds} renewals. A naive reader of two paths saw ${naive.mixed} mixed pairs in ${naive.reads} reads (${share} %); the other ways, ${bundle.reads + resolved.reads + again.reads} reads, none`);
  for (const way of [bundle, resolved, again]) expect(way).toMatchObject({ mixed: 0, missing: 0 });
  expect(naive.missing).toBe(0);
  expect(await settledCount(sandbox)).toBe(filesBefore);
  expect(await daemon.stop()).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

/** How many files there are once nothing goes away any more: what is old is removed after the switch to what is new. */
async function settledCount({ out, state }: Sandbox): Promise<number> {
  // The audit log has files of its own, when it is time for them.
  const count = (): number => [out, state].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' })).filter((path) => !path.includes('audit')).length;
  let last: number | undefined;
  return until('the number of files stays', async () => {
    await sleep(500);
    const before = last;
    last = count();
    return last === before ? last : undefined;
  });
}
