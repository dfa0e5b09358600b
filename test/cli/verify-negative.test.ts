import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyCommand } from '../../src/cli/verify.ts';
import { parseCertificate, parsePem } from '../../src/x509/index.ts';
import { defects, sound } from '../fixtures/negative/defects.ts';
import { controlExpectation, type Expectation, expectationOf, pemOf, writeFixtures } from '../fixtures/negative/written.ts';
import { refusalOf } from '../spiffe/refusals.ts';
import { runCli } from './verify-fixtures.ts';

const negative = join(import.meta.dirname, '..', 'fixtures', 'negative');
const control = join(negative, '..', 'sound');

if (process.env['UPDATE'] === '1') writeFixtures();

function read(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

interface Answer {
  readonly valid: boolean;
  readonly reasons?: readonly { readonly code: string; readonly rule: string; readonly certificate: number | string }[];
}

const verify = (folder: string, { trustDomain, at }: Expectation): ReturnType<typeof runCli> =>
  runCli(verifyCommand, [join(folder, 'chain.pem'), '--bundle', join(folder, 'bundle.pem'), '--trust-domain', trustDomain, '--at', at, '--output', 'json'], { nowMs: 0 });

const expectation = (folder: string): Expectation => JSON.parse(read(folder, 'expect.json')) as Expectation;

describe('mtlsd verify on fixtures with one defect', () => {
  const folders = readdirSync(negative, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

  test('has one for each rule of SPIFFE 1 to 17, and each folder is described', () => {
    expect(folders.sort()).toEqual(defects.map(({ name }) => name).sort());
    // SPIFFE-16 says again what the validator of a leaf checks: it is the rule that those refusals name.
    const broken = new Set(defects.flatMap(({ breaks, expected }) => [breaks, expected === 'unreadable' ? '' : expected.rule]));
    for (let number = 1; number <= 17; number += 1) expect([...broken].some((rule) => rule === `SPIFFE-${number}`), `SPIFFE-${number}`).toBe(true);
  });

  test('accepts the sound one, so that each is refused for its defect alone', async () => {
    expect(await verify(control, expectation(control))).toMatchObject({ exitCode: 0 });
    expect(read(control, 'chain.pem')).toBe(pemOf(sound.chain));
    expect(expectation(control)).toEqual(controlExpectation);
  });

  test.for(defects)('$name is on disk as it is described', (defect) => {
    const folder = join(negative, defect.name);
    const { chain, roots } = defect.make();
    expect(read(folder, 'chain.pem') === pemOf(chain), 'UPDATE=1 npx vitest run --project component test/cli/verify-negative writes it anew').toBe(true);
    expect(read(folder, 'bundle.pem') === pemOf(roots)).toBe(true);
    expect(expectation(folder)).toEqual(expectationOf(defect));
  });

  test.for(folders)('refuses %s', async (name) => {
    const folder = join(negative, name);
    const { exitStatus, code, rule, certificate, ...rest } = expectation(folder);
    const outcome = await verify(folder, { exitStatus, code, rule, certificate, ...rest });
    expect(outcome.exitCode, outcome.stdout + outcome.stderr).toBe(exitStatus);
    if (exitStatus === 1) {
      const { valid, reasons } = JSON.parse(outcome.stdout) as Answer;
      expect(valid).toBe(false);
      expect(reasons).toContainEqual(expect.objectContaining({ code, rule, certificate }));
      return;
    }
    const blocks = parsePem(read(folder, 'chain.pem'));
    const refusal = refusalOf(() => blocks.forEach(({ der }) => parseCertificate(der)));
    expect(refusal.code).toBe(code);
    expect(outcome.stderr).toContain('is not strict DER');
  });
});
