type Fields = Readonly<Record<string, unknown>>;

/** A manifest that is refused beside one that is nearly the same and taken. */
export interface ManifestCase {
  readonly name: string;
  readonly good: Fields;
  readonly bad: Fields;
  /** All that is said about `bad`, the field included, in any order. */
  readonly sentences: readonly string[];
  /** What is stored before: `good` and `bad` are changes of it. */
  readonly old?: Fields;
}
