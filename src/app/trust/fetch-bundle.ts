import type { TLSSocket } from 'node:tls';
import type { BundleServer, FetchBundle } from '../../controllers/index.ts';
import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
// Not by the folder's face: that loads a server, which a daemon that serves nothing does without.
import { presentedChain } from '../../server/peer-identity.ts';
import { validateX509Svid } from '../../spiffe/index.ts';
import type { Clock } from '../../telemetry/index.ts';
import { parseCertificate, verifySignature } from '../../x509/index.ts';
import { boundedGet, connectionsTo, GetFailure, type ServerOptions } from './bounded-get.ts';

/** Fetches bundles of other trust domains: one connection each, of which nothing is kept for the next time. */
export function bundleFetcher(clock: Pick<Clock, 'nowMs'>): FetchBundle {
  return async ({ url, server, privateAddresses, bytesMax, timeoutMs, signal }) => {
    const options: ServerOptions =
      server.profile === 'https_web'
        ? { privateAddresses, ca: server.roots }
        : { privateAddresses, ca: undefined, judge: (socket) => requireSvid(socket, url, server, clock.nowMs()) };
    const agent = connectionsTo(options);
    try {
      return await boundedGet(agent, options, url, { bytesMax, timeoutMs, signal, accept: 'application/json' });
    } catch (error) {
      if (!(error instanceof GetFailure)) throw error;
      const code = ({ 'too-large': 'FEDERATION_ANSWER_REFUSED', 'not-public': 'FEDERATION_ANSWER_REFUSED', untrusted: 'FEDERATION_SERVER_REFUSED', late: 'FEDERATION_UNREACHABLE', unreachable: 'FEDERATION_UNREACHABLE' } as const)[error.what];
      const why = error.what === 'not-public' ? `a redirect leads to ${url}, which has no public address` : error.message;
      throw new MtlsdError(code, why, { cause: error.cause ?? error });
    } finally {
      await agent.destroy();
    }
  };
}

/** SPIFFE-34: before anything is asked, the server has shown a valid X.509-SVID that is the one configured. */
function requireSvid(socket: TLSSocket, url: string, { spiffeId, roots }: Extract<BundleServer, { profile: 'https_spiffe' }>, nowMs: number): void {
  const refuse = (why: string): never => {
    throw new MtlsdError('FEDERATION_SERVER_REFUSED', `${url} does not show ${spiffeId.toString()}: ${why}`);
  };
  try {
    const chain = presentedChain(socket).map((der) => parseCertificate(der));
    const result = validateX509Svid(chain, { trustDomain: spiffeId.trustDomain, roots }, { nowMs, verifySignature, expectedId: spiffeId });
    if (!result.valid) refuse(result.reasons[0]?.sentence ?? 'its certificate is not valid');
  } catch (error) {
    if (!isMtlsdError(error) || error.code === 'FEDERATION_SERVER_REFUSED') throw error;
    refuse('its certificate cannot be read');
  }
}
