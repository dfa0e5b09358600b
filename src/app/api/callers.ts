import type { CallerSource, Identification } from '../../server/index.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import { isRefusal, readCompact, verifyToken, type Accepted, type TrustedIssuer, type UnverifiedToken } from '../../tokens/index.ts';
import { claimSegment } from './claim-path.ts';
import type { CallerEntry } from './config.ts';

/** Judges tokens of service accounts. */
export interface AccountTokens {
  /** @param read what stands in it */
  identify(token: string, read: UnverifiedToken): Promise<Identification>;
}

/** An issuer whose tokens stand for callers outside the cluster. */
export interface ExternalIssuer {
  readonly entry: CallerEntry;
  readonly issuer: TrustedIssuer;
}

/**
 * Who asks, by its token alone: a configured issuer's is judged here, any other goes to the API server, where there is one.
 * What is plainly no token goes nowhere.
 */
export class ApiCallers implements CallerSource {
  readonly #external: ReadonlyMap<string, ExternalIssuer>;
  readonly #accounts: AccountTokens | undefined;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #log: Log;

  /** @param external by the exact text of `iss` */
  constructor(external: ReadonlyMap<string, ExternalIssuer>, accounts: AccountTokens | undefined, clock: Pick<Clock, 'nowMs'>, log: Log) {
    this.#external = external;
    this.#accounts = accounts;
    this.#clock = clock;
    this.#log = log;
  }

  async identify(token: string): Promise<Identification> {
    const read = readCompact(token);
    if (isRefusal(read)) return refused(read.message);
    const { iss } = read.claims;
    const external = typeof iss === 'string' ? this.#external.get(iss) : undefined;
    if (external !== undefined) return this.#identifyExternal(token, external);
    return this.#accounts === undefined ? refused('its issuer is not among those that are trusted here') : this.#accounts.identify(token, read);
  }

  async #identifyExternal(token: string, { entry, issuer }: ExternalIssuer): Promise<Identification> {
    const decision = await verifyToken(token, new Map([[issuer.rules.issuer, issuer]]), this.#clock.nowMs());
    if (decision.accepted) return externalCaller(decision, entry);
    if (decision.reason !== 'keys-unavailable') return refused(decision.message);
    this.#log.warn('a token cannot be judged', { caller: entry.name, why: decision.message });
    return { known: false, code: 'API_TOKENS_UNJUDGED', message: 'the keys of the issuer of this token cannot be had now', ...(decision.retryAfterMs === undefined ? {} : { retryAfterMs: decision.retryAfterMs }) };
  }
}

function externalCaller({ claims, issuer, subject }: Accepted, { name, trustDomain, path }: CallerEntry): Identification {
  const found = path.map((claim) => claimSegment(claims, claim));
  const problems = found.flatMap((each) => ('problem' in each ? [each.problem] : []));
  if (problems.length > 0) return { known: false, code: 'API_IDENTITY_NOT_GRANTED', message: problems.join('; ') };
  const segments = found.flatMap((each) => ('segment' in each ? [each.segment] : []));
  return { known: true, caller: { kind: 'external', entry: name, trustDomain, segments, subject: `${issuer} ${subject}` } };
}

function refused(message: string): Identification {
  return { known: false, code: 'API_TOKEN_REFUSED', message: `the token is refused: ${message}` };
}
