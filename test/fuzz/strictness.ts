/** The table of docs/decisions/0021-strictness.md: the classes of disagreement that are known and explained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One class: what is said here of a chain, who says otherwise, and how. */
export interface ClassOfDisagreement {
  /** A refusal code, a part of the parser's sentence, or `accepts`. */
  readonly ours: string;
  readonly judges: readonly string[];
  /** `accepts`, or a part of the judge's reason. */
  readonly theirs: string;
}

const page = join(import.meta.dirname, '..', '..', 'docs', 'decisions', '0021-strictness.md');

/** Text of the page. */
export function strictnessPage(): string {
  return readFileSync(page, 'utf8');
}

/** Rows between the markers of the page: `| ours | judges | theirs | why |`. */
export function explainedClasses(): readonly ClassOfDisagreement[] {
  const [, table = ''] = /<!-- classes -->\n([\s\S]*?)<!-- end of classes -->/u.exec(strictnessPage()) ?? [];
  return table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, ours = '', judges = '', theirs = '', why = ''] = line.split(/(?<!\\)\|/u).map((cell) => cell.trim());
      if (why.length < 20) throw new Error(`a class without a reason: ${line}`);
      return { ours: ours.replaceAll('`', ''), judges: judges.split(', '), theirs: theirs.replaceAll('`', '') };
    });
}

/** What one judge and `mtlsd verify` say of one chain. */
export interface Opinions {
  readonly judge: string;
  /** Refusal codes, or the sentence of the parser; empty: accepted. */
  readonly ours: readonly string[];
  /** Undefined: accepted. */
  readonly reason: string | undefined;
}

/** Once what is presented is no path, these say of the wrong neighbours what a reader that searches never sees. */
const consequences: ReadonlySet<string> = new Set(['SIGNATURE_INVALID', 'KEY_IDENTIFIER_MISMATCH', 'UNTRUSTED_ROOT']);

/**
 * The classes that explain a disagreement. A chain that is refused here for several reasons and accepted there needs a class
 * for each: the judge overlooked all of them. Undefined when one is missing; empty when there is no disagreement.
 */
export function explanations({ judge, ours, reason }: Opinions, classes: readonly ClassOfDisagreement[]): readonly ClassOfDisagreement[] | undefined {
  if ((ours.length === 0) === (reason === undefined)) return [];
  const ofJudge = classes.filter(({ judges }) => judges.includes(judge));
  if (reason !== undefined) {
    const found = ofJudge.find((one) => one.ours === 'accepts' && reason.includes(one.theirs));
    return found === undefined ? undefined : [found];
  }
  const causes = ours.includes('ISSUER_MISMATCH') ? ours.filter((said) => !consequences.has(said)) : ours;
  const found = causes.map((said) => ofJudge.find((one) => one.theirs === 'accepts' && said.includes(one.ours)));
  return found.every((one) => one !== undefined) ? found : undefined;
}
