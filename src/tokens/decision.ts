/** Why a token is refused. Programs compare it; `message` is for people. */
export type RefusalReason =
  | 'too-large'
  | 'malformed'
  | 'unsigned'
  | 'issuer-unknown'
  | 'algorithm-not-allowed'
  | 'type-not-allowed'
  | 'header-not-understood'
  | 'key-unknown'
  | 'keys-unavailable'
  | 'signature-wrong'
  | 'expired'
  | 'not-yet-valid'
  | 'issued-in-the-future'
  | 'lives-too-long'
  | 'claim-missing'
  | 'claim-malformed'
  | 'audience-wrong'
  | 'scope-missing'
  | 'claim-wrong';

/** A token that is not accepted. The message names claims and rules, never what stands in the token. */
export interface Refusal {
  readonly accepted: false;
  readonly reason: RefusalReason;
  readonly message: string;
  /** The same token may be accepted later, after so many milliseconds: the keys of its issuer could not be had now. */
  readonly retryAfterMs?: number;
}

/** A token that is accepted, with what it says. */
export interface Accepted {
  readonly accepted: true;
  readonly issuer: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
  /** Every claim, verified. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export type TokenDecision = Accepted | Refusal;

/** Whether something is a refusal. */
export function isRefusal(value: object): value is Refusal {
  return 'accepted' in value && value.accepted === false;
}

/** A refusal with what is wrong. */
export function refused(reason: RefusalReason, message: string): Refusal {
  return { accepted: false, reason, message };
}
