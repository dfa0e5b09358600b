/** The parts of metav1.Status that tell failures apart. */
export interface ApiStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

/** The Status in an answer's body, or undefined when a proxy or something else spoke. Never throws. */
export function parseStatus(text: string): ApiStatus | undefined {
  try {
    return asStatus(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** `value` as a Status when it says that it is one. */
export function asStatus(value: unknown): ApiStatus | undefined {
  if (typeof value !== 'object' || value === null || (value as { readonly kind?: unknown }).kind !== 'Status') return undefined;
  return value;
}

/** Milliseconds after which the server asks to come again: its header, else what the Status says. */
export function retryAfterMs(header: string | readonly string[] | undefined, status: ApiStatus | undefined): number | undefined {
  const seconds = typeof header === 'string' && /^\d{1,6}$/u.test(header) ? Number(header) : status?.details?.retryAfterSeconds;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
}
