import { catalogue, type ErrorCode } from '../../errors/index.ts';

/** Codes of what can be wrong with manifests. */
export type ManifestCode = ErrorCode & `MANIFEST${string}`;

/** One thing that is wrong in the folder of manifests, for a person to act on. */
export interface SourceProblem {
  readonly code: ManifestCode;
  /** Path below the folder of manifests; empty for the folder itself. */
  readonly file: string;
  /** From 1, when it is known. */
  readonly line?: number;
  /** `Kind namespace/name`, when it is known. */
  readonly object?: string;
  /** What is wrong, without file and line. */
  readonly message: string;
  readonly remedy: string;
}

/** Makes a problem; its remedy is the catalogue's. */
export function problem(code: ManifestCode, file: string, message: string, where: { readonly line?: number; readonly object?: string } = {}): SourceProblem {
  const { line, object } = where;
  return {
    code,
    file,
    ...(line === undefined ? {} : { line }),
    ...(object === undefined ? {} : { object }),
    message,
    remedy: catalogue[code].remedy,
  };
}

/** What to call the thing that has the problem: the object, or its file, or the folder itself. */
export function subjectOf({ object, file }: Pick<SourceProblem, 'object' | 'file'>): string {
  return object ?? (file === '' ? 'the folder of manifests' : file);
}

/** `file:line: message`, as compilers write it. */
export function describeProblem({ file, line, message }: SourceProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return place === '' ? message : `${place}: ${message}`;
}
