import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lint } from '../../src/spiffe/index.ts';
import { parseCertificate } from '../../src/x509/index.ts';
import { verifyCommand } from '../../src/cli/verify.ts';
import { OpensslFolder, runCli } from '../cli/verify-fixtures.ts';
import { fixtures, sound, World, type Fixture } from './fixtures.ts';
import type { Panel, Sample, Verdict } from './judges/judge.ts';
import { panelEntries } from './judges/panels.ts';
import { holdPage, markdownTable, readPage } from './page.ts';
import { machineVersions, requirementsMet } from './requirements.ts';

const { env } = process;
const ready = await requirementsMet('fixtures are made with OpenSSL', ['openssl'], env);
// keytool takes seconds for each, and asks the same PKIX validator that the Java panel asks.
const entries = await Promise.all(
  panelEntries
    .filter(({ title }) => title !== 'keytool')
    .map(async (entry) => ({ ...entry, ready: ready && (await requirementsMet(`${entry.title} judges defects`, entry.needs, env)) })),
);

interface Row {
  readonly fixture: Fixture;
  readonly sample: Sample;
  readonly verdicts: Map<string, Verdict>;
}

describe.skipIf(!ready)('a chain with one defect', () => {
  let folder: OpensslFolder;
  let rows: readonly Row[];
  let control: Row;

  beforeAll(() => {
    folder = new OpensslFolder();
    const world = new World(folder);
    const row = (fixture: Fixture): Row => ({ fixture, sample: fixture.make(world), verdicts: new Map() });
    control = row(sound);
    rows = fixtures.map(row);
  });

  afterAll(() => folder[Symbol.dispose]());

  const ours = async ({ chain, roots, trustDomain }: Sample): Promise<readonly string[]> => {
    const args = [chain, '--bundle', roots, '--trust-domain', trustDomain, '--output', 'json'];
    const { exitCode, stdout, stderr } = await runCli(verifyCommand, args, { nowMs: Date.now() });
    if (exitCode === 2) return [`unreadable: ${stderr}`];
    const { valid, reasons } = JSON.parse(stdout) as { valid: boolean; reasons?: readonly { code: string }[] };
    return valid ? ['accepted'] : (reasons ?? []).map(({ code }) => code);
  };

  test('is told from a sound one by mtlsd verify', async () => {
    expect(await ours(control.sample)).toEqual(['accepted']);
  });

  test.for(fixtures)('$defect: mtlsd verify says $ours', async (fixture) => {
    const row = rows.find((row) => row.fixture === fixture);
    if (row === undefined) throw new TypeError(`${fixture.defect} was not made`);
    const said = await ours(row.sample);
    expect(said.some((code) => code.startsWith(fixture.ours)), said.join(', ')).toBe(true);
  });

  // What binds an issuer and not a validator is told by `mtlsd inspect`, which goes by these rules.
  test.for(fixtures.filter(({ ours }) => ours === 'accepted'))('$defect: mtlsd inspect names $rule', ({ defect, rule }) => {
    const row = rows.find(({ fixture }) => fixture.defect === defect);
    const { raw } = new X509Certificate(readFileSync(row?.sample.chain ?? ''));
    expect(lint(parseCertificate(raw), 'leaf').map((finding) => finding.rule.split('.')[0])).toContain(rule);
  });

  describe.for(entries)('before $title', ({ open, ready }) => {
    let panel: Panel;

    beforeAll(async () => {
      if (ready) panel = await open(env);
    }, 600_000);

    afterAll(() => panel?.[Symbol.asyncDispose]());

    test.skipIf(!ready)('gets a verdict, and the sound one is accepted', async () => {
      for (const { sample, verdicts } of [control, ...rows]) {
        for (const [judge, verdict] of Object.entries(await panel.judge(sample))) verdicts.set(judge, verdict);
      }
      for (const judge of panel.judges) expect([judge, control.verdicts.get(judge)]).toMatchObject([judge, { ok: true }]);
    });
  });

  const said = (verdict: Verdict | undefined): string => {
    if (verdict === undefined) return 'not asked';
    return verdict.ok ? '**accepts**' : 'refuses';
  };

  test.skipIf(entries.some((entry) => !entry.ready))('stands in the page with what every judge does', async ({ skip }) => {
    const seenWith = `Seen with ${await machineVersions(env)} and Node ${process.versions.node.split('.')[0]}.`;
    const comparable = env['CI'] === 'true' || env['UPDATE'] === '1' || (await readPage()).includes(seenWith);
    if (!comparable) process.stderr.write(`\nSKIPPED: the page of defects is of other versions. ${seenWith} UPDATE=1 writes it anew\n`);
    skip(!comparable, 'other versions of the judges');
    const judges = [...control.verdicts.keys()];
    const cells = ({ fixture, verdicts }: Row): readonly string[] => [
      fixture.defect,
      fixture.rule,
      fixture.ours === 'accepted' ? '**accepts**' : `\`${fixture.ours}\``,
      ...judges.map((judge) => said(verdicts.get(judge))),
    ];
    await holdPage('defects', `${seenWith}\n\n${markdownTable(['Defect', 'Rule', 'mtlsd verify', ...judges], rows.map(cells))}`, env);
  });
});
