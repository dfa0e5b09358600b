import { MtlsdError } from '../errors/index.ts';
import type { FetchDocument } from '../tokens/index.ts';
import { boundedGet, connectionsTo, GetFailure, type ServerOptions } from './bounded-get.ts';

/** Documents of other issuers over HTTP, and the connections that they come over. */
export interface DocumentFetcher extends AsyncDisposable {
  readonly fetchDocument: FetchDocument;
}

/** Opens a fetcher with connections of its own. @param options what one issuer's server may be */
export function documentFetcher(options: Pick<ServerOptions, 'privateAddresses' | 'ca'>): DocumentFetcher {
  const agent = connectionsTo(options);
  return {
    fetchDocument: async (url, bounds) => {
      try {
        return await boundedGet(agent, options, url, { ...bounds, accept: 'application/json, application/jwk-set+json' });
      } catch (error) {
        if (!(error instanceof GetFailure)) throw error;
        const advice = error.what === 'not-public' ? ': allow private addresses for this issuer if that is meant' : '';
        throw new MtlsdError('TOKEN_KEYS_UNAVAILABLE', `${error.message}${advice}`, { cause: error.cause ?? error });
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}
