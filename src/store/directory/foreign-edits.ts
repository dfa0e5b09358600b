import type { ProjectedObjects } from './projected-objects.ts';

/** How many objects are looked at in one pass, at least; more when one round would otherwise take too many passes. */
const sliceMin = 200;
const passesPerRound = 30;

/** Looks round after round, a slice at a time, whether someone else touched the files of our objects. */
export class ForeignEdits {
  readonly #objects: ProjectedObjects;
  #round: readonly string[] = [];
  #next = 0;

  constructor(objects: ProjectedObjects) {
    this.#objects = objects;
  }

  /** Looks at the next slice. */
  async pass(): Promise<void> {
    if (this.#next >= this.#round.length) {
      this.#round = this.#objects.places();
      this.#next = 0;
    }
    const end = this.#next + Math.max(sliceMin, Math.ceil(this.#round.length / passesPerRound));
    const slice = this.#round.slice(this.#next, end);
    this.#next = end;
    for (const place of slice) await this.#objects.recheck(place);
  }
}
