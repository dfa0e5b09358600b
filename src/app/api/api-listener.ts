import { randomUUID } from 'node:crypto';
import type { AuditLog } from '../../audit/index.ts';
import { apiServer, apiTlsVersionMin, type ApiFigures, type CallerSource, type RequestLimits, type RightSource, type RouteFamily } from '../../server/index.ts';
import type { Store } from '../../store/port.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import { listenAt } from '../listen.ts';
import { followPair, type ServingSource } from './serving-pair.ts';

/** What of the machine the API is served with. */
export interface ApiListenerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly serving: ServingSource;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: AuditLog;
  readonly figures?: ApiFigures;
  readonly callers: CallerSource;
  readonly rights?: RightSource;
  readonly limits?: Partial<RequestLimits>;
  /** How slow a client may be, milliseconds; left out: the usual. */
  readonly patience?: { readonly requestMs: number; readonly checkMs: number };
}

/**
 * Serves the API until it is disposed of. It listens at once, so that an address that is taken is known at the start; until
 * its certificate is there, handshakes fail. A renewed certificate is used for the next connection; those that are up go on.
 * @throws MtlsdError CONFIGURATION_INVALID, ADDRESS_UNAVAILABLE
 */
export async function serveApi(options: ApiListenerOptions, families: readonly RouteFamily[]): Promise<AsyncDisposable & { readonly address: string }> {
  const { listen, serving, store, clock, log, audit, figures, callers, rights, limits = {}, patience } = options;
  await using opening = new AsyncDisposableStack();
  const server = await apiServer({ callers, audit, log, ...(figures === undefined ? {} : { figures }), limits, newRequestId: randomUUID, ...(rights === undefined ? {} : { rights }), ...(patience === undefined ? {} : { patience }) }, families);
  opening.defer(() => server.close());
  const ended = new AbortController();
  opening.defer(() => ended.abort());
  let served = false;
  const take = ({ key, cert }: { readonly key: string; readonly cert: string }): void => {
    server.server.setSecureContext({ key, cert, minVersion: apiTlsVersionMin });
    log.info(served ? 'the certificate of the API was renewed' : 'the API has its certificate');
    served = true;
  };
  await followPair(serving, { store, clock, log }, take, ended.signal);
  const address = await listenAt(server, listen);
  const waiting = served || serving.kind === 'files' ? {} : { waitsFor: `WorkloadIdentity ${serving.namespace}/${serving.name}` };
  log.info('serving the API', { address, ...waiting });
  const parts = opening.move();
  return { address, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}
