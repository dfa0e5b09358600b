import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueSamples, type IssuedSample } from './issued.ts';
import { goJudge } from './judges/go.ts';
import type { Panel } from './judges/judge.ts';
import { panelEntries } from './judges/panels.ts';
import { complaintsOf, judgeSamples, matrixTable, type Judgement } from './matrix.ts';
import { holdPage } from './page.ts';
import type { Product } from './product.ts';
import { requirementsMet } from './requirements.ts';

const run = promisify(execFile);
const { env } = process;
const entries = await Promise.all(
  panelEntries.map(async (entry) => ({ ...entry, ready: await requirementsMet(`${entry.title} judges every leaf`, entry.needs, env) })),
);

// L30: judges that nobody here wrote accept every leaf, in every kind of key, with and without DNS names and common name.
describe('every leaf', () => {
  let product: Product;
  let samples: readonly IssuedSample[];
  const judgements: Judgement[] = [];

  beforeAll(async () => {
    ({ product, samples } = await issueSamples());
  }, 300_000);

  afterAll(() => product[Symbol.asyncDispose]());

  // L23, L24: the names are what was asked for, each once; the subject has nothing to do with DNS names.
  test('says what was asked for and nothing else', () => {
    for (const { name, chain, spiffeId, dnsNames, commonName } of samples) {
      const { subject, subjectAltName } = new X509Certificate(readFileSync(chain));
      const names = [`URI:${spiffeId}`, ...dnsNames.map((dnsName) => `DNS:${dnsName}`)].join(', ');
      expect([name, subjectAltName, subject]).toEqual([name, names, commonName === undefined ? undefined : `CN=${commonName}`]);
    }
  });

  describe.for(entries)('$title', ({ open, takesTime, ready }) => {
    let panel: Panel;

    // One after another, and the first time with a build.
    beforeAll(async () => {
      if (ready) panel = await open(env);
    }, 600_000);

    afterAll(() => panel?.[Symbol.asyncDispose]());

    test.skipIf(!ready)('is accepted, with its SPIFFE ID', async () => {
      const judged = await judgeSamples(panel, samples);
      judgements.push(...judged);
      expect(judged.length).toBeGreaterThanOrEqual(7);
      expect(complaintsOf(judged)).toEqual([]);
    });

    // L13: a leaf is backdated by 60 s, and so are the authorities above it.
    if (!takesTime) return;
    test.skipIf(!ready)('is accepted by a clock that is 60 s behind', async () => {
      const behind = samples.map((sample) => {
        const { validFromDate } = new X509Certificate(readFileSync(sample.chain));
        return { ...sample, atSeconds: validFromDate.getTime() / 1000 };
      });
      const nowSeconds = Date.now() / 1000;
      expect(behind.every(({ atSeconds }) => atSeconds <= nowSeconds - 60)).toBe(true);
      expect(complaintsOf(await judgeSamples(panel, behind))).toEqual([]);
    });
  });

  test.skipIf(entries.some(({ needs, ready }) => needs.includes('go') && !ready))('comes with a bundle document that go-spiffe reads', async () => {
    const judge = await goJudge(env);
    for (const { trustDomain, bundleDocument } of samples) {
      const { stdout } = await run(judge, ['bundle', trustDomain, bundleDocument]);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, authorities: 1 });
    }
  });

  test.skipIf(entries.some(({ ready }) => !ready))('stands in the page with every verdict', async () => {
    const table = matrixTable(judgements);
    process.stdout.write(`\n${table}\n\n`);
    await holdPage('leaves', table, env);
  });
});
