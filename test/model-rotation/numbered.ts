/**
 * Strings, numbered from 0 on, by the million. A `Map` of strings follows three pointers for each look, and most of them
 * miss the processor's caches; here the hash stands beside the number, so that a string is compared only with itself.
 */
export class Numbered {
  readonly #strings: string[] = [];
  /** Pairs: a hash, and the number of its string plus one. Half of them are empty at least. */
  #slots = new Int32Array(1 << 17);

  get size(): number {
    return this.#strings.length;
  }

  at(number: number): string {
    return this.#strings[number] as string;
  }

  /** Its number; a string that is new gets the next one, which is `size` before the call. */
  numberOf(text: string): number {
    const hash = hashOf(text);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const number = (slots[slot + 1] as number) - 1;
      if (number < 0) return this.#add(text, hash, slot);
      if (slots[slot] === hash && this.#strings[number] === text) return number;
    }
  }

  #add(text: string, hash: number, slot: number): number {
    this.#slots[slot] = hash;
    const size = this.#strings.push(text);
    this.#slots[slot + 1] = size;
    if (size * 4 > this.#slots.length) this.#grow();
    return size - 1;
  }

  #grow(): void {
    const from = this.#slots;
    const to = new Int32Array(from.length * 2);
    const mask = to.length - 1;
    for (let old = 0; old < from.length; old += 2) {
      if (from[old + 1] === 0) continue;
      const hash = from[old] as number;
      let slot = (hash << 1) & mask;
      while (to[slot + 1] !== 0) slot = (slot + 2) & mask;
      to[slot] = hash;
      to[slot + 1] = from[old + 1] as number;
    }
    this.#slots = to;
  }
}

/** 32 bits that depend on each character and its place. */
function hashOf(text: string): number {
  let hash = text.length;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x9e3779b1) ^ (hash >>> 15);
  return hash ^ (hash >>> 16);
}
