import { join } from 'node:path';
import { sameContent } from '../frozen.ts';
import { replaceFile } from './atomic-file.ts';
import type { Disk } from './disk.ts';
import type { SourceProblem } from './source-problem.ts';

/** The file, in the output folder, that tells other processes what is wrong with the manifests. Absent: nothing. */
export const problemsFile = 'problems.json';

/** What is wrong with the manifests: in memory for this process, in a file for others. */
export class ProblemBoard {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #tag: () => string;
  readonly #listeners = new Set<(problems: readonly SourceProblem[]) => void>();
  #problems: readonly SourceProblem[] = [];
  /** What the file says; undefined: unknown. */
  #written: readonly SourceProblem[] | undefined;

  constructor(out: string, disk: Disk, tag: () => string) {
    this.#tag = tag;
    this.#path = join(out, problemsFile);
    this.#disk = disk;
  }

  get problems(): readonly SourceProblem[] {
    return this.#problems;
  }

  listen(listener: (problems: readonly SourceProblem[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes these for all problems that there are. A listener hears only of a change. */
  async publish(problems: readonly SourceProblem[]): Promise<void> {
    if (!sameContent(problems, this.#problems)) {
      this.#problems = Object.freeze([...problems]);
      for (const listener of this.#listeners) listener(this.#problems);
    }
    if (sameContent(problems, this.#written)) return;
    if (problems.length === 0) await this.#disk.remove(this.#path);
    else await replaceFile(this.#disk, this.#path, Buffer.from(`${JSON.stringify(problems, undefined, 2)}\n`, 'utf8'), { mode: 0o644 }, this.#tag());
    this.#written = problems;
  }
}
