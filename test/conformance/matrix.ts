import { keyAlgorithms } from '../../src/x509/index.ts';
import type { KeyAlgorithm } from '../../src/x509/index.ts';
import type { IssuedSample } from './issued.ts';
import type { Panel, Verdict } from './judges/judge.ts';
import { markdownTable } from './page.ts';

/** One verdict that was asked for. */
export interface Judgement {
  readonly judge: string;
  readonly sample: IssuedSample;
  readonly verdict: Verdict;
}

/** What cannot be green, and why: it stands in the page, and a test holds that it is still so. */
const exceptions: readonly { readonly judge: string; readonly algorithm: KeyAlgorithm; readonly reason: string; readonly why: string }[] = [
  {
    judge: 'java-spiffe',
    algorithm: 'ED25519',
    reason: 'Algorithm not supported: EdDSA',
    why: 'java-spiffe 0.8.12 reads private keys of RSA and ECDSA only. The JDK itself, and so JSSE, takes Ed25519.',
  },
];

/** Asks the panel about every sample, or about one of each key algorithm when it is slow. */
export async function judgeSamples(panel: Panel, samples: readonly IssuedSample[]): Promise<readonly Judgement[]> {
  const judgements: Judgement[] = [];
  for (const sample of panel.slow === true ? samples.filter(isRepresentative) : samples) {
    const verdicts = await panel.judge(sample);
    for (const judge of panel.judges) judgements.push({ judge, sample, verdict: verdicts[judge] ?? { ok: false, reason: 'no verdict' } });
  }
  return judgements;
}

/** Every disagreement between what was judged and what is known of the judges. */
export function complaintsOf(judgements: readonly Judgement[]): readonly string[] {
  return judgements.flatMap(({ judge, sample, verdict }) => {
    const known = exceptions.find((exception) => exception.judge === judge && exception.algorithm === sample.algorithm);
    if (known !== undefined) {
      const same = !verdict.ok && verdict.reason === known.reason;
      return same ? [] : [`${judge} no longer says "${known.reason}" of ${sample.name}: ${JSON.stringify(verdict)}`];
    }
    if (!verdict.ok) return [`${judge} refuses ${sample.name}: ${verdict.reason}`];
    const other = verdict.spiffeId !== undefined && verdict.spiffeId !== sample.spiffeId;
    return other ? [`${judge} reads ${verdict.spiffeId} in ${sample.name}`] : [];
  });
}

/** Key algorithm × judge, as the page shows it. */
export function matrixTable(judgements: readonly Judgement[]): string {
  const judges = [...new Set(judgements.map(({ judge }) => judge))];
  const cell = (judge: string, algorithm: KeyAlgorithm): string => {
    const of = judgements.filter((judgement) => judgement.judge === judge && judgement.sample.algorithm === algorithm);
    const accepted = of.filter(({ verdict }) => verdict.ok).length;
    return accepted === of.length ? `${accepted} ✓` : `${accepted} of ${of.length}`;
  };
  const rows = judges.map((judge) => [judge, ...keyAlgorithms.map((algorithm) => cell(judge, algorithm))]);
  const reasons = exceptions.map(({ judge, algorithm, why }) => `- ${judge}, ${algorithm}: ${why}`);
  return [markdownTable(['Judge', ...keyAlgorithms], rows), '', ...reasons].join('\n');
}

function isRepresentative({ form, trustDomain }: IssuedSample): boolean {
  return form === 'dns' && trustDomain === 'p256.example';
}
