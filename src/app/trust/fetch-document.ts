import type { Agent } from 'undici';
import { MtlsdError } from '../../errors/index.ts';
import type { FetchDocument } from '../../tokens/index.ts';
import { boundedGet, connectionsTo, GetFailure, type ServerOptions } from './bounded-get.ts';

/** Documents of other issuers over HTTP, and the connections that they come over. */
export interface DocumentFetcher extends AsyncDisposable {
  readonly fetchDocument: FetchDocument;
}

/** What one issuer's server may be. */
export interface DocumentServer extends Pick<ServerOptions, 'privateAddresses'> {
  /** Certificates that it is verified with, PEM, for one document: its root is rotated like any other. Undefined: the system's. */
  readonly ca: () => Promise<string | undefined>;
}

/** Opens a fetcher with connections of its own. */
export function documentFetcher({ privateAddresses, ca: rootsNow }: DocumentServer): DocumentFetcher {
  let open: { readonly options: ServerOptions; readonly agent: Agent } | undefined;
  const connections = async (): Promise<NonNullable<typeof open>> => {
    const ca = await rootsNow();
    if (open !== undefined && open.options.ca === ca) return open;
    await open?.agent.destroy();
    const options = { privateAddresses, ca };
    return (open = { options, agent: connectionsTo(options) });
  };
  return {
    fetchDocument: async (url, bounds) => {
      const { agent, options } = await connections();
      try {
        return await boundedGet(agent, options, url, { ...bounds, accept: 'application/json, application/jwk-set+json' });
      } catch (error) {
        if (!(error instanceof GetFailure)) throw error;
        const advice = error.what === 'not-public' ? ': allow private addresses for this issuer if that is meant' : '';
        throw new MtlsdError('TOKEN_KEYS_UNAVAILABLE', `${error.message}${advice}`, { cause: error.cause ?? error });
      }
    },
    [Symbol.asyncDispose]: async () => open?.agent.destroy(),
  };
}
