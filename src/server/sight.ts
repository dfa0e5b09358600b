import type { FastifyRequest } from 'fastify';
import type { Caller, ServiceAccountCaller } from './caller.ts';

/**
 * What a request wants to see: objects of a kind, of one namespace or of all, or one by its name. TrustDomains and CARotations
 * have no namespace.
 */
export type Wanted =
  | { readonly kind: 'WorkloadIdentity'; readonly namespace: string | undefined; readonly name: string | undefined }
  | { readonly kind: 'TrustDomain' | 'CARotation' };

/** What a request may see. The guard alone makes one, and objects are had for one alone: a handler cannot forget to ask. */
export interface Sight {
  readonly caller: Caller;
  readonly wanted: Wanted;
  /** Whether everything that is wanted may be seen; otherwise only what of it is the caller's own. */
  readonly everything: boolean;
}

/** Knows who may see objects that are not its own. */
export interface RightSource {
  /** Undefined: it cannot be known now, and nothing is shown. Never rejects. */
  mayRead(caller: ServiceAccountCaller, wanted: Wanted): Promise<boolean | undefined>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What may be seen; set where the rule of the route asks for it. */
    sight: Sight | undefined;
  }
}

/** What a request may see. Of a route under the rule `own-or-allowed`. */
export function sightOf({ sight }: FastifyRequest): Sight {
  if (sight === undefined) throw new Error('invariant broken: a route that shows objects is not under the rule own-or-allowed');
  return sight;
}
