import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/app/clock.ts';
import { gatewayServer, PeerIdentities } from '../../src/server/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import type { TrustedIssuer } from '../../src/tokens/index.ts';
import { parseCertificate, parsePem } from '../../src/x509/index.ts';

/** A pair with its roots, PEM. */
export interface Pair {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

const nothing = (): void => undefined;

/** The server of `mtlsd gateway` for one gateway, which has the same identity as the server; resolves with its port. */
export async function serveGateway(pair: Pair, spiffeId: string, issuers: ReadonlyMap<string, TrustedIssuer>): Promise<AsyncDisposable & { readonly port: number }> {
  const trust = { trustDomain: parseTrustDomainName('shop.example'), roots: parsePem(pair.ca).map(({ der }) => parseCertificate(der)) };
  const server = await gatewayServer({
    tls: pair,
    gateways: { peers: new PeerIdentities(() => trust), accessOf: (id) => (id === spiffeId ? { issuers, requestsPerSecond: 1_000_000 } : undefined), clock: systemClock },
    clock: systemClock,
    newRequestId: randomUUID,
    audit: { record: nothing },
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    figures: { answered: nothing, refused: nothing },
    counted: nothing,
  });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  return { port: Number(new URL(address).port), [Symbol.asyncDispose]: async () => server.close() };
}
