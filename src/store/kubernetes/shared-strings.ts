/** Shorter ones the engine shares by itself; longer ones (messages apart) are seldom the same. */
const lengthMin = 11;
const lengthMax = 160;
const rememberedMax = 4096;

/**
 * Lets values that are the same be one string. A parser makes a new string of each value, and ten thousand objects say the
 * same key identifier, trust domain and second over and over. It remembers a bounded number, and forgets them all at once.
 */
export class SharedStrings {
  readonly #known = new Map<string, string>();

  /** Shares the strings in a tree that was just parsed and that nobody else holds, and freezes it. */
  freeze<T>(value: T): T {
    if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
    const fields = value as Record<string, unknown>;
    for (const name of Object.keys(fields)) {
      const field = fields[name];
      if (typeof field === 'string') fields[name] = this.#share(field);
      else this.freeze(field);
    }
    return Object.freeze(value);
  }

  #share(text: string): string {
    if (text.length < lengthMin || text.length > lengthMax) return text;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= rememberedMax) this.#known.clear();
    this.#known.set(text, text);
    return text;
  }
}
