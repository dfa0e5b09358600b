/** What a caller may do with a failed operation: nothing, try again with back-off, or try again after a stated time. */
export type Retry = 'never' | 'backoff' | 'after';

/** Values that may be shown to a person: never key material, tokens or personal data. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** One row of the catalogue. `Details` types what an error with this code carries. */
export interface ErrorEntry<Details extends ErrorDetails = ErrorDetails> {
  /** What happened, in one sentence. */
  readonly meaning: string;
  /** What the reader should do next, in one sentence. */
  readonly remedy: string;
  /** HTTP status when it reaches an API caller. */
  readonly status: number;
  readonly retry: Retry;
  /** CamelCase reason for a Kubernetes condition. */
  readonly reason: string;
  /** Phantom: carries the type only, never a value. */
  readonly details?: Details;
}

/** Makes a catalogue row and fixes the type of its details: `entry<{ value: string }>({ … })`. */
export function entry<Details extends ErrorDetails = ErrorDetails>(row: Omit<ErrorEntry<Details>, 'details'>): ErrorEntry<Details> {
  return row;
}
