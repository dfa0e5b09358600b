import { catalogue } from '../errors/index.ts';
import { type SourceProblem, subjectOf } from '../store/directory/index.ts';
import type { Log } from '../telemetry/index.ts';

/** Codes whose messages quote what stands in the manifest. */
const quoting: ReadonlySet<string> = new Set(['MANIFEST_INVALID', 'MANIFEST_SYNTAX', 'MANIFEST_UNKNOWN']);

/** A path of fields as schemas have them; keys of maps, which are the user's own words, can look otherwise and are left out. */
const fieldPath = /^(?:spec|metadata)(?:\.(?!labels|annotations|matchLabels)[A-Za-z]+|\[\d+\])*(?=: )/u;

/**
 * Tells each problem of a manifest in the log once, when it appears, and that it is over. What stands in a manifest stays out of
 * the log (L26): the status, which its owner reads, quotes it.
 */
export class ManifestLog {
  readonly #log: Log;
  #told = new Map<string, SourceProblem>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes these for all problems that there are. */
  tell(problems: readonly SourceProblem[]): void {
    const now = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
    const files = new Set(problems.map(({ file }) => file));
    for (const [id, problem] of now) {
      if (!this.#told.has(id)) this.#log.warn(sentence(problem), fields(problem));
    }
    const healed = [...this.#told.values()].map(({ file }) => file).filter((file) => !files.has(file));
    for (const file of new Set(healed)) this.#log.info(`nothing is wrong with ${subjectOf({ file })} any more`);
    this.#told = now;
  }
}

function sentence(problem: SourceProblem): string {
  const { remedy, meaning } = catalogue[problem.code];
  if (!quoting.has(problem.code)) return `${problem.message}. ${remedy}`;
  const field = fieldPath.exec(problem.message)?.[0];
  return `${field === undefined ? '' : `${field}: `}${meaning} \`mtlsd status\` says what is wrong.`;
}

function fields({ code, file, line, object }: SourceProblem) {
  return {
    ...(object === undefined ? {} : { object }),
    ...(file === '' ? {} : { file: line === undefined ? file : `${file}:${line}` }),
    reason: catalogue[code].reason,
  };
}
