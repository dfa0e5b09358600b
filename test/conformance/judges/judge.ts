import type { LineProgram } from '../line-program.ts';

/** What a judge is asked and what it answers. */
export interface Sample {
  /** PEM, leaf first. */
  readonly chain: string;
  /** PKCS#8 PEM of the leaf, for judges that shake hands or compare; left out where there is none. */
  readonly key?: string;
  /** PEM with the roots of `trustDomain`. */
  readonly roots: string;
  readonly trustDomain: string;
  /** When it is judged, in whole seconds since the epoch; left out: now. */
  readonly atSeconds?: number;
}

/** A judgement. */
export type Verdict = { readonly ok: true; readonly spiffeId?: string } | { readonly ok: false; readonly reason: string };

/** One program, or one library in it, that speaks for the judges that it names. */
export interface Panel extends AsyncDisposable {
  readonly judges: readonly string[];
  /** True: it takes seconds for each sample, and is asked about one for each key algorithm only. */
  readonly slow?: boolean;
  /** One verdict for each of `judges`. All paths in the sample are files. */
  judge(sample: Sample): Promise<Readonly<Record<string, Verdict>>>;
}

/** A panel whose judges sit in one program that answers with an object of verdicts. */
export function linePanel(judges: readonly string[], program: LineProgram): Panel {
  return {
    judges,
    judge: ({ chain, key, roots, trustDomain, atSeconds }) =>
      program.ask<Record<string, Verdict>>({ chain, key: key ?? '', roots, trustDomain, at: atSeconds ?? 0 }),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
