import type { AuditLog } from '../../audit/index.ts';
import type { ApiFigures, RequestLimits, RightSource, RouteFamily } from '../../server/index.ts';
import type { Store } from '../../store/port.ts';
import type { Clock, Log } from '../../telemetry/index.ts';
import { TrustedIssuers } from '../trust/trusted-issuers.ts';
import { serveApi } from './api-listener.ts';
import { ApiCallers, type AccountTokens, type ExternalIssuer } from './callers.ts';
import { openApiConfiguration, type ApiConfig } from './config.ts';

/** What the API is made over. */
export interface ApiParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: AuditLog;
  /** Left out where there are no metrics. */
  readonly figures?: ApiFigures;
  /** Who judges tokens of service accounts; undefined where there are none. */
  readonly accounts: AccountTokens | undefined;
  /** Who may see more than its own; left out: nobody. */
  readonly rights?: RightSource;
  /** One for each family of routes. */
  readonly families: readonly RouteFamily[];
  readonly limits?: Partial<RequestLimits>;
}

/** The HTTPS API of a daemon, until it is disposed of. */
export type ServedApi = AsyncDisposable & { readonly address: string };

/** Reads its configuration and serves it. @throws MtlsdError CONFIGURATION_INVALID, ADDRESS_UNAVAILABLE */
export async function openApi(config: ApiConfig, parts: ApiParts): Promise<ServedApi> {
  const { store, clock, log, audit, figures, accounts, rights, families, limits } = parts;
  const configuration = await openApiConfiguration(config.configuration);
  await using opening = new AsyncDisposableStack();
  const issuers = opening.use(await TrustedIssuers.open(configuration, log));
  const external = new Map<string, ExternalIssuer>();
  for (const entry of configuration.callers) {
    for (const [iss, issuer] of issuers.trustedBy([entry.rules])) external.set(iss, { entry, issuer });
  }
  const callers = new ApiCallers(external, accounts, clock, log);
  const { address } = opening.use(await serveApi({ listen: config.listen, serving: config.serving, store, clock, log, audit, callers, ...(figures === undefined ? {} : { figures }), ...(rights === undefined ? {} : { rights }), ...(limits === undefined ? {} : { limits }) }, families));
  const all = opening.move();
  return { address, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
