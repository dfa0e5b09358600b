import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { run } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { startReaders } from './readers.ts';
import { until } from './wait.ts';

const kills = 12;
const names = Array.from({ length: 20 }, (_, index) => `w${index}`);

test('L4: killed by SIGKILL again and again while it issues: the pair on disk is whole and matches at every moment, the authorities stay', { timeout: 180_000 }, async () => {
  await using sandbox = new Sandbox();
  const write = (round: number): void => sandbox.write('all.yaml', trustDomain(), ...names.map((name) => identity(name, { dnsNames: [`r${round}.shop`] })));
  write(0);
  await sandbox.once();
  const record = JSON.parse(readFileSync(sandbox.record(), 'utf8')) as { data: object };
  await using readers = startReaders(names.map((name) => sandbox.identity(name).folder));
  const isIn = (name: string, round: number): boolean => sandbox.identity(name).now().leaf.subjectAltName?.includes(`DNS:r${round}.shop`) === true;
  let halfway = 0;
  for (let round = 1; round <= kills; round += 1) {
    const daemon = sandbox.start();
    await daemon.says('try: ');
    write(round);
    // In the middle of it: one identity is new, and the others are not all yet.
    await until('the first new pair is there', () => names.some((name) => isIn(name, round)));
    await sleep(round % 4);
    await daemon.stop('SIGKILL');
    if (!names.every((name) => isIn(name, round))) halfway += 1;
    for (const name of names) sandbox.identity(name).now();
  }
  const counts = await readers.stop();
  console.log(`killed ${kills} times, ${halfway} of them between two identities; ${counts.resolved.reads} reads`);
  expect(counts.resolved).toMatchObject({ mixed: 0, missing: 0 });
  expect(counts.bundle).toMatchObject({ mixed: 0, missing: 0 });
  expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
  for (const name of names) expect(isIn(name, kills)).toBe(true);
  expect((JSON.parse(readFileSync(sandbox.record(), 'utf8')) as { data: object }).data).toEqual(record.data);
  // Every certificate that is on disk stands in the audit log, whose chains were cut by nobody: 14 processes, most of them killed.
  const audit = await run('audit', 'verify', '--out', sandbox.out, '--output', 'json');
  expect({ status: audit.status, ...(JSON.parse(audit.stdout) as object) }).toMatchObject({ status: 0, findings: [], otherLines: 0 });
  const { chains } = JSON.parse(audit.stdout) as { readonly chains: readonly { readonly ended: boolean; readonly unanchored: number }[] };
  // The first run ended in order; the last one too, where it had anything left to do.
  const ended = chains.filter((chain) => chain.ended);
  expect(ended.length).toBeGreaterThan(0);
  expect(ended.filter(({ unanchored }) => unanchored !== 0)).toEqual([]);
  const recorded = new Set([...readFileSync(join(sandbox.state, 'audit.jsonl'), 'utf8').matchAll(/"serialNumber":"([0-9a-f]+)"/gu)].map(([, serial]) => BigInt(`0x${serial}`)));
  expect(names.filter((name) => !recorded.has(BigInt(`0x${sandbox.identity(name).now().leaf.serialNumber}`)))).toEqual([]);
});
