/** The counter behind resourceVersions: one for the store, so that each version names one state of one object. */
export class Versions {
  #last = 0;

  /** Never goes back behind a version that a file of an earlier run shows. */
  seen(version: string): void {
    const number = Number.parseInt(version, 10);
    if (Number.isSafeInteger(number) && number > this.#last) this.#last = number;
  }

  next(): string {
    this.#last += 1;
    return String(this.#last);
  }
}
