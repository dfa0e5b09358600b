import { readFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyAlgorithms } from '../../src/x509/index.ts';
import { issueSamples, type IssuedSample } from './issued.ts';
import { goJudge, goPanel } from './judges/go.ts';
import type { Panel } from './judges/judge.ts';
import { nodePanel } from './judges/node.ts';
import { openSslPanel } from './judges/openssl.ts';
import type { Product } from './product.ts';
import { requirementsMet } from './requirements.ts';

const run = promisify(execFile);
const { env } = process;
const ready = await requirementsMet('OpenSSL and Go judge every leaf', ['openssl', 'go'], env);

describe.skipIf(!ready)('judges that nobody here wrote', () => {
  let product: Product;
  let samples: readonly IssuedSample[];
  const panels: Panel[] = [];

  beforeAll(async () => {
    panels.push(openSslPanel(), await goPanel(env), nodePanel());
    ({ product, samples } = await issueSamples());
  });

  afterAll(async () => {
    for (const panel of panels) await panel[Symbol.asyncDispose]();
    await product[Symbol.asyncDispose]();
  });

  const judgeAll = async (wanted: readonly IssuedSample[], at?: (sample: IssuedSample) => number): Promise<readonly string[]> => {
    const complaints: string[] = [];
    for (const panel of panels.filter((panel) => at === undefined || panel.takesTime)) {
      for (const sample of wanted) {
        const verdicts = await panel.judge(at === undefined ? sample : { ...sample, atSeconds: at(sample) });
        for (const judge of panel.judges) {
          const verdict = verdicts[judge] ?? { ok: false, reason: 'no verdict' };
          if (!verdict.ok) complaints.push(`${judge} refuses ${sample.name}: ${verdict.reason}`);
          else if (verdict.spiffeId !== undefined && verdict.spiffeId !== sample.spiffeId) complaints.push(`${judge} reads ${verdict.spiffeId} in ${sample.name}`);
        }
      }
    }
    return complaints;
  };

  test.for(keyAlgorithms)('accept every leaf with a key of kind %s', async (algorithm) => {
    const wanted = samples.filter((sample) => sample.algorithm === algorithm);
    expect(wanted.length).toBeGreaterThan(4);
    expect(await judgeAll(wanted)).toEqual([]);
  });

  // L13: a leaf is backdated by 60 s, and so are the authorities above it.
  test('accept a new leaf by a clock that is 60 s behind', async () => {
    const firstSecond = ({ chain }: IssuedSample): number => new X509Certificate(readFileSync(chain)).validFromDate.getTime() / 1000;
    const nowSeconds = Date.now() / 1000;
    expect(samples.map(firstSecond).every((first) => nowSeconds - first >= 60)).toBe(true);
    expect(await judgeAll(samples.filter((sample) => sample.form === 'bare'), firstSecond)).toEqual([]);
  });

  test('go-spiffe reads every bundle document', async () => {
    const judge = await goJudge(env);
    for (const sample of samples.filter(({ algorithm, form }) => algorithm === 'ECDSAP256' && form === 'dns')) {
      const { stdout } = await run(judge, ['bundle', sample.trustDomain, sample.bundleDocument]);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, authorities: 1 });
    }
  });
});
