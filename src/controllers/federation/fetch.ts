import type { Certificate } from '../../x509/index.ts';
import type { SpiffeId } from '../../spiffe/index.ts';

/** How the server of a bundle is recognised (SPIFFE-33, SPIFFE-34). */
export type BundleServer =
  /** By a certificate for its host name, of `roots` (PEM) or, left out, of the authorities that the system trusts. */
  | { readonly profile: 'https_web'; readonly roots: string | undefined }
  /** By a valid X.509-SVID with this very ID, of these roots. */
  | { readonly profile: 'https_spiffe'; readonly spiffeId: SpiffeId; readonly roots: readonly Certificate[] };

/** One request for a bundle. */
export interface BundleRequest {
  readonly url: string;
  readonly server: BundleServer;
  /** Whether the server may have an address that is not public: one that the other side chose may not. */
  readonly privateAddresses: boolean;
  /** More than this is not read. */
  readonly bytesMax: number;
  /** For all of it, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a server answered, the body whole. Names of headers in lower case. */
export interface BundleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** Asks one server, by HTTPS; follows no redirect. @throws FEDERATION_UNREACHABLE, FEDERATION_SERVER_REFUSED, FEDERATION_ANSWER_REFUSED */
export type FetchBundle = (request: BundleRequest) => Promise<BundleAnswer>;
