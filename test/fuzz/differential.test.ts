/**
 * The same chains before `mtlsd verify`, Go with go-spiffe, and OpenSSL: first every mutator by itself, then pairs and triples
 * of them. A disagreement is of a class that docs/decisions/0021-strictness.md explains, or the test fails.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { parseTrustDomainName, validateX509Svid } from '../../src/spiffe/index.ts';
import { parseCertificate, verifySignature } from '../../src/x509/index.ts';
import { goPanel } from '../conformance/judges/go.ts';
import type { Panel } from '../conformance/judges/judge.ts';
import { openSslPanel } from '../conformance/judges/openssl.ts';
import { machineVersions, requirementsMet } from '../conformance/requirements.ts';
import { Random } from '../model/random.ts';
import { cases, fuzzSeconds, fuzzSeed, fuzzTimeoutMs } from './budget.ts';
import { type Mutator, mutators } from './chain-mutators.ts';
import { makeChain, pemText, type PlannedChain, soundPlan } from './chain-plan.ts';
import { atMs, trustDomain } from './forged-chain.ts';
import { type ClassOfDisagreement, explainedClasses, explanations, type Opinions, strictnessPage } from './strictness.ts';

const { env } = process;
const ready = await requirementsMet('mtlsd verify is compared with Go and OpenSSL', ['go', 'openssl'], env);
/** Chains that are judged at once. */
const atOnce = 4;
const combinations = 120;

const domain = parseTrustDomainName(trustDomain);

/** Codes of the refusal, or the sentence of the parser; nothing when it is accepted. */
function ours({ chain, roots }: PlannedChain): readonly string[] {
  try {
    const [certificates, anchors] = [chain, roots].map((list) => list.map((der) => parseCertificate(der)));
    const result = validateX509Svid(certificates ?? [], { trustDomain: domain, roots: anchors ?? [] }, { nowMs: atMs, verifySignature });
    return result.valid ? [] : [...new Set(result.reasons.map(({ code }) => code))];
  } catch (error) {
    if (!isMtlsdError(error, 'X509_CERTIFICATE_INVALID')) throw error;
    return [error.message];
  }
}

describe.skipIf(!ready)('chains with any differences', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mtlsd-differential-'));
  const classes = explainedClasses();
  const used = new Set<ClassOfDisagreement>();
  const unexplained = new Map<string, string>();
  let panels: readonly Panel[];

  beforeAll(async () => {
    panels = [await goPanel(env), openSslPanel()];
  }, 600_000);

  afterAll(async () => {
    for (const panel of panels) await panel[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  async function opinionsOf(planned: PlannedChain, slot: number): Promise<readonly Opinions[]> {
    const [chain, roots] = [join(folder, `${slot}-chain.pem`), join(folder, `${slot}-roots.pem`)];
    writeFileSync(chain, pemText(planned.chain));
    writeFileSync(roots, pemText(planned.roots));
    const said = ours(planned);
    const verdicts = await Promise.all(panels.map((panel) => panel.judge({ chain, roots, trustDomain, atSeconds: atMs / 1000 })));
    return verdicts.flatMap((byJudge) =>
      Object.entries(byJudge).map(([judge, verdict]) => ({ judge, ours: said, reason: verdict.ok ? undefined : verdict.reason || 'no reason given' })),
    );
  }

  async function compare(chosen: readonly Mutator[], random: Random, slot: number): Promise<void> {
    const plan = soundPlan();
    for (const mutator of chosen) mutator.apply(plan, random);
    for (const opinions of await opinionsOf(makeChain(plan), slot)) {
      const found = explanations(opinions, classes);
      for (const one of found ?? []) used.add(one);
      if (found !== undefined) continue;
      const { judge, ours: said, reason } = opinions;
      const what = `${judge} ${reason === undefined ? 'accepts' : `refuses (${reason})`}, mtlsd ${said.length === 0 ? 'accepts' : `refuses (${said.join(', ')})`}`;
      unexplained.set(what, chosen.map(({ name }) => name).join(' and '));
    }
  }

  async function compareAll(chains: Iterable<{ readonly chosen: readonly Mutator[]; readonly random: Random }>): Promise<void> {
    const queue = chains[Symbol.iterator]();
    const worker = async (slot: number): Promise<void> => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) await compare(next.value.chosen, next.value.random, slot);
    };
    await Promise.all(Array.from({ length: atOnce }, (_, slot) => worker(slot)));
    expect(Object.fromEntries(unexplained), `seed ${fuzzSeed}: fix it, or explain its class in docs/decisions/0021-strictness.md`).toEqual({});
  }

  test('sound ones are accepted by all', async () => {
    expect(ours(makeChain(soundPlan()))).toEqual([]);
    for (const opinions of await opinionsOf(makeChain(soundPlan()), 0)) expect(opinions).toMatchObject({ ours: [], reason: undefined });
  });

  test('one difference at a time', { timeout: fuzzTimeoutMs }, async () => {
    await compareAll(mutators.flatMap((mutator, index) => [1, 2].slice(0, mutator.name.includes('any') ? 2 : 1).map((turn) => ({ chosen: [mutator], random: new Random(1000 * turn + index) }))));
  });

  test('several differences', { timeout: fuzzTimeoutMs }, async () => {
    await compareAll(
      (function* combined() {
        for (const index of cases(combinations)) {
          const random = new Random(fuzzSeed * 100_003 + index);
          yield { random, chosen: Array.from({ length: random.pick([2, 2, 3]) }, () => random.pick(mutators)) };
        }
      })(),
    );
  });

  test('every class in the table is met', async ({ skip }) => {
    const seenWith = (await machineVersions(env)).replace(/, JDK.*/u, '');
    skip(!strictnessPage().includes(seenWith) || fuzzSeconds !== undefined, `the table is of other versions than ${seenWith}`);
    expect(classes.filter((one) => !used.has(one))).toEqual([]);
  });
});
