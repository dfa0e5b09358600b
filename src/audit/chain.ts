import { encodeLine, hashOf, noHash, type LineContent } from './line.ts';

/** The last line of a chain, as another place may refer to it. */
export interface ChainHead {
  readonly chain: string;
  readonly sequence: number;
  /** Of that line. */
  readonly hash: string;
}

/**
 * The chain of one process: each line bears the hash of the one before. A process begins a new one, whose first line names
 * the head that was known last, so that nothing has to be read before something can be written.
 */
export class Chain {
  readonly id: string;
  #sequence = 0;
  #hash = noHash;

  constructor(id: string) {
    this.id = id;
  }

  /** Lines so far. */
  get length(): number {
    return this.#sequence;
  }

  /** The last line; undefined before the first. */
  get head(): ChainHead | undefined {
    return this.#sequence === 0 ? undefined : { chain: this.id, sequence: this.#sequence - 1, hash: this.#hash };
  }

  /**
   * Writes the next line.
   * @param finish completes the content with what depends on the place in the chain, such as a signature
   */
  next(content: LineContent, nowMs: number, finish: (place: Place) => LineContent = () => content): string {
    const place = { chain: this.id, sequence: this.#sequence, previous: this.#hash, time: new Date(nowMs).toISOString() };
    const text = encodeLine(place, finish(place));
    this.#sequence += 1;
    this.#hash = hashOf(text);
    return text;
  }
}

type Place = Parameters<typeof encodeLine>[0];
