import type { Caller, TouchedObject } from './caller.ts';
import { Refused } from './problem.ts';

/** A part of a schema that is a text. */
export const textSchema = (description: string, maxLength: number) => ({ type: 'string', minLength: 1, maxLength, description }) as const;

/** What the body of a request for an SVID may name, whatever kind of SVID it is. */
export interface IdentityChoice {
  readonly identity?: string;
  readonly ttl?: string;
}

/** Its schema. */
export const identityChoiceSchema = {
  identity: textSchema('which WorkloadIdentity: its name, or namespace/name; left out: the oldest that is for the caller', 317),
  ttl: textSchema('how long it is to live, such as 30m, where that is shorter than the identity says', 32),
} as const;

/** What a request for an SVID touches: the identity that its body names, else one of the caller's own. */
export function touchedIdentity(body: unknown, caller: Caller): TouchedObject {
  const { identity } = body as IdentityChoice;
  if (caller.kind === 'external' && identity === undefined) return { kind: 'ExternalIdentity', entry: caller.entry };
  const [namespace, name, ...more] = identity?.includes('/') === true ? identity.split('/') : [caller.kind === 'external' ? '' : caller.namespace, identity];
  if (namespace === undefined || more.length > 0) throw new Refused('API_REQUEST_INVALID', '/identity is neither a name nor namespace/name');
  return { kind: 'WorkloadIdentity', namespace, name };
}

/** The identity without the namespace, which is the caller's once it may touch it. */
export function chosenIdentity({ identity, ttl }: IdentityChoice): { readonly identity: string | undefined; readonly ttl: string | undefined } {
  return { identity: identity?.split('/').at(-1), ttl };
}

/** Octets of an answer of ASCII: as a text, it costs several times as much on its way into a TLS connection. */
export function jsonOctets(answer: object): Buffer {
  return Buffer.from(JSON.stringify(answer), 'latin1');
}

/** A time in answers. @param ms milliseconds since the epoch */
export function instant(ms: number): string {
  return new Date(ms).toISOString();
}
