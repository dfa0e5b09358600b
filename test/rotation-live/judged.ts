/** What comes of every leaf that may be in use before every bundle that may be delivered then. */
import type { KeyAlgorithm } from '../../src/x509/index.ts';
import type { Panel, Sample } from '../conformance/judges/judge.ts';

/** What a judge cannot know, as in `conformance/matrix.ts`. */
const unknownTo: Readonly<Record<string, KeyAlgorithm>> = { 'java-spiffe': 'ED25519' };

/** A leaf on disk. */
export interface Leaf {
  readonly algorithm: KeyAlgorithm;
  /** The first of each algorithm ends in `-0`. */
  readonly name: string;
  readonly chain: string;
  readonly key: string;
}

/** Leaves that may be in use while bundles may be delivered. */
export interface Meeting {
  readonly title: string;
  readonly leaves: readonly Leaf[];
  /** Files. */
  readonly bundles: readonly string[];
}

/** Who refuses whom: every leaf is judged against every bundle; for a panel that is slow, one leaf of each algorithm is. */
export async function complaints(panel: Panel, trustDomain: string, { leaves, bundles }: Meeting): Promise<readonly string[]> {
  const asked = panel.slow === true ? leaves.filter(({ name }) => name.endsWith('-0')) : leaves;
  const refused: string[] = [];
  for (const roots of bundles) {
    for (const { algorithm, name, chain, key } of asked) {
      const sample: Sample = { chain, key, roots, trustDomain };
      const verdicts = await panel.judge(sample);
      for (const judge of panel.judges) {
        const verdict = verdicts[judge];
        if (unknownTo[judge] !== algorithm && verdict?.ok !== true) refused.push(`${judge} refuses ${name}: ${JSON.stringify(verdict)}`);
      }
    }
  }
  return refused;
}
