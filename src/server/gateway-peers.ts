import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../telemetry/index.ts';
import type { TrustedIssuer } from '../tokens/index.ts';
import type { PeerIdentities } from './peer-identity.ts';

/** A gateway that has tokens judged. */
export interface Gateway {
  readonly spiffeId: string;
  /** The issuers that its rules trust, by `iss`. */
  readonly issuers: ReadonlyMap<string, TrustedIssuer>;
  /** How many requests of it are answered, on the average of ten seconds. */
  readonly requestsPerSecond: number;
}

/** Who is at the other end of a connection. */
export type GatewayFound = { readonly known: true; readonly gateway: Gateway } | { readonly known: false; readonly code: 'GATEWAY_UNKNOWN' | 'GATEWAY_NOT_CONFIGURED'; readonly message: string };

declare module 'fastify' {
  interface FastifyRequest {
    /** Which gateway asks; set where the rule of the route asks for it. */
    gateway: Gateway | undefined;
  }
}

/** What is known of gateways. */
export interface GatewaySources {
  readonly peers: PeerIdentities;
  /** What a gateway may; undefined when the configuration does not name this SPIFFE ID. */
  accessOf(spiffeId: string): Omit<Gateway, 'spiffeId'> | undefined;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** The gateway that asks, by the SVID of its connection and the configuration: nothing in a request chooses it. */
export function findGateway(sources: GatewaySources, socket: TLSSocket): GatewayFound {
  const peer = sources.peers.of(socket, sources.clock.nowMs());
  if (!peer.known) return { known: false, code: 'GATEWAY_UNKNOWN', message: peer.why };
  const access = sources.accessOf(peer.spiffeId);
  if (access !== undefined) return { known: true, gateway: { spiffeId: peer.spiffeId, ...access } };
  return { known: false, code: 'GATEWAY_NOT_CONFIGURED', message: `the configuration names no gateway ${peer.spiffeId}: add it with the rules that it asks by` };
}

/** Which gateway asks. Of a route under the rule `gateway`. */
export function gatewayOf({ gateway }: FastifyRequest): Gateway {
  if (gateway === undefined) throw new Error('invariant broken: a route that answers gateways is not under the rule gateway');
  return gateway;
}
