import { catalogue, type DetailsOf, type ErrorCode } from './catalogue.ts';
import type { ErrorEntry } from './entry.ts';

/** The optional parts of an error. */
export interface ErrorOptions<C extends ErrorCode> {
  readonly details?: DetailsOf<C>;
  readonly cause?: unknown;
  /** Milliseconds after which a retry makes sense, when the other side said so (`Retry-After`). */
  readonly retryAfterMs?: number;
}

/**
 * An error that a person or a program can act on. `code` says which row of the catalogue it is; `message` says what
 * happened, to which object, and what to do next. It never holds key material: messages end up in logs and conditions.
 */
export class MtlsdError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'MtlsdError';
  readonly code: C;
  readonly details: DetailsOf<C> | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: C, message: string, options: ErrorOptions<C> = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The catalogue row of this code. */
  get entry(): ErrorEntry {
    return catalogue[this.code];
  }
}

/** Whether `error` is an MtlsdError, with one of `codes` when any are given. */
export function isMtlsdError<C extends ErrorCode>(error: unknown, ...codes: readonly C[]): error is MtlsdError<C> {
  if (!(error instanceof MtlsdError)) return false;
  return codes.length === 0 || (codes as readonly string[]).includes((error as MtlsdError).code);
}
