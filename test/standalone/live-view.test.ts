import { spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { Command, mtlsd } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

/** `script` gives a command a terminal. */
const hasTerminal = spawnSync('/usr/bin/env', ['script', '--version']).status === 0;
if (!hasTerminal) process.stderr.write('SKIPPED: the test of the live view needs the command script (util-linux)\n');

test.skipIf(!hasTerminal && process.env['CI'] !== 'true')('in a terminal: a live table with bars and hints, redrawn as things change; it ends with its terminal', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('cart'));
  const line = `stty cols 120 rows 40; exec ${mtlsd} run manifests --out out`;
  await using command = new Command('/usr/bin/env', ['script', '-qec', line, '/dev/null'], { cwd: sandbox.root });
  await command.says('Try, in another terminal:');
  sandbox.write('more.yaml', identity('later'), identity('wrong', { ttl: '1d' }));
  await command.says(/shop\/later.*█/u);
  await command.says('there is no unit for days');
  const shown = stripVTControlCharacters(command.stdout);
  expect(shown).toContain('mtlsd  shop.example  manifests → out');
  expect(shown).toMatch(/IDENTITY +SPIFFE ID +ISSUER +LIFE LEFT +RENEWALS/u);
  expect(shown).toMatch(/shop\/cart +spiffe:\/\/shop\.example\/ns\/shop\/sa\/cart +[0-9a-f]{8} +█{12} 59m \d\ds +0/u);
  expect(shown).toContain('bin/mtlsd inspect out/identities/shop/cart/credential-bundle.pem  # what is in a certificate');
  const coloured = new RegExp(`${String.fromCodePoint(0x1b)}\\[\\d+m`, 'u');
  expect(command.stdout).toMatch(coloured);
  await using plain = new Command('/usr/bin/env', ['NO_COLOR=1', 'script', '-qec', `${mtlsd} status --out out`, '/dev/null'], { cwd: sandbox.root });
  const { stdout } = await plain.outcome();
  expect(stdout).toContain('shop/cart');
  expect(stdout).not.toMatch(coloured);
  await command[Symbol.asyncDispose]();
  // The state is free again: nothing is left running.
  await until('another one may start', async () => (await sandbox.once()).status === 1);
});
