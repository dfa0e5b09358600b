import { isRefusal, readCompact } from '../../tokens/index.ts';
import { askApi, refreshTimeMs, strange, type SvidServer } from './ask-api.ts';

/** A JWT-SVID. Times in milliseconds since the epoch. */
export interface FetchedJwt {
  readonly token: string;
  readonly spiffeId: string;
  readonly audience: string;
  readonly expiresAtMs: number;
  readonly refreshAtMs: number;
}

interface Answer {
  readonly token: string;
  readonly refreshAt: string;
}

/**
 * Has the API sign a JWT-SVID for one audience. It is for others to verify; what comes back is believed when it says what was
 * asked for.
 * @throws MtlsdError API_REFUSED when the answer is no, API_UNREACHABLE when trying again may help, CONFIGURATION_INVALID
 */
export async function requestJwt(server: SvidServer, audience: string, nowMs: () => number): Promise<FetchedJwt> {
  const { token, refreshAt } = await askApi(server, '/v1/svids/jwt', { audience }, readAnswer);
  const read = readCompact(token);
  if (isRefusal(read)) throw strange(server.api, 'its answer is no JWT-SVID');
  const { sub, aud, exp } = read.claims;
  const expiresAtMs = typeof exp === 'number' ? exp * 1000 : 0;
  const now = nowMs();
  if (typeof sub !== 'string' || ![aud].flat().includes(audience) || expiresAtMs <= now) throw strange(server.api, `its answer is no JWT-SVID for ${audience} that is valid now`);
  return { token, spiffeId: sub, audience, expiresAtMs, refreshAtMs: refreshTimeMs(refreshAt, now, expiresAtMs) };
}

function readAnswer(answer: unknown): Answer | undefined {
  const { token, refreshAt } = (answer ?? {}) as Partial<Answer>;
  return typeof token === 'string' && typeof refreshAt === 'string' ? { token, refreshAt } : undefined;
}
