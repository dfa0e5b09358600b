import { isMtlsdError } from '../errors/index.ts';
import { dnsNameAllowed } from '../resources/index.ts';
import { expandPathTemplate, externalSegment, parseDnsName, workloadSpiffeId, type DnsName, type SpiffeId, type TrustDomainName } from '../spiffe/index.ts';

/** What a trust domain allows: its spec with every default filled in. */
export interface IssuancePolicy {
  readonly trustDomain: TrustDomainName;
  readonly pathTemplate: string;
  readonly allowedDnsPatterns: readonly string[];
  readonly defaultTtlMs: number;
  readonly maxTtlMs: number;
  /** The shortest TTL that the delivery can keep fresh, and why, in words for the user. */
  readonly minTtlMs: number;
  readonly minTtlReason: string;
}

/** What is asked for. Its fields come from an object of the namespace that it names, never from a stranger. */
export interface IdentityRequest {
  readonly namespace: string;
  readonly serviceAccountName: string;
  readonly dnsNames: readonly string[];
  readonly commonName: string | undefined;
  readonly ttlMs: number | undefined;
  /** The longest that whoever takes delivery accepts from notBefore to notAfter; left out: the TTL counts from now. */
  readonly wholeLifeMaxMs?: number;
}

declare const granted: unique symbol;

/** What was granted. Only `decide` makes one, so that nothing outside the policy can be signed. */
export interface Grant {
  readonly [granted]: true;
  readonly spiffeId: SpiffeId;
  readonly dnsNames: readonly DnsName[];
  readonly commonName: string | undefined;
  readonly ttlMs: number;
  /** From notBefore to notAfter, never more than `ttlMs`; undefined: notAfter is `ttlMs` from now, whatever it was dated back by. */
  readonly wholeLifeMs: number | undefined;
}

/** One reason why a request was denied, with the field that caused it and what to do. */
export interface Denial {
  readonly field: string;
  readonly message: string;
}

/** A denial is a value and holds all reasons, never only the first. */
export type Decision = { readonly granted: true; readonly grant: Grant } | { readonly granted: false; readonly denials: readonly Denial[] };

/** Decides a request against the policy of its trust domain. Tightening a policy never allows more. */
export function decide(request: IdentityRequest, policy: IssuancePolicy): Decision {
  const denials: Denial[] = [];
  const spiffeId = attempt(denials, 'spec.serviceAccountName', () => spiffeIdOf(request, policy));
  const dnsNames = decideDnsNames(request, policy, denials);
  const ttlMs = decideTtl(request, policy, denials);
  if (spiffeId === undefined || denials.length > 0) return { granted: false, denials };
  const wholeLifeMs = request.wholeLifeMaxMs === undefined ? undefined : Math.min(ttlMs, request.wholeLifeMaxMs);
  const grant = { spiffeId, dnsNames, commonName: request.commonName, ttlMs, wholeLifeMs } as Omit<Grant, typeof granted> as Grant;
  return { granted: true, grant };
}

/** What somebody is asked for whom another issuer vouches for. Its names come from verified claims. */
export interface ExternalRequest {
  /** Whose claims they are, as the configuration names it. */
  readonly entry: string;
  /** One a segment. */
  readonly segments: readonly string[];
  readonly ttlMs: number | undefined;
}

/** Decides a request of somebody outside: an ID below `/ext/`, where no path template leads, and no DNS name. */
export function decideExternal(request: ExternalRequest, policy: IssuancePolicy): Decision {
  const denials: Denial[] = [];
  const spiffeId = attempt(denials, 'the claims of the token', () => externalSpiffeId(request, policy));
  const ttlMs = decideTtl(request, policy, denials);
  if (spiffeId === undefined || denials.length > 0) return { granted: false, denials };
  const grant = { spiffeId, dnsNames: [], commonName: undefined, ttlMs, wholeLifeMs: undefined } as unknown as Grant;
  return { granted: true, grant };
}

/** The SPIFFE ID of a service account. @throws SPIFFE_… */
export function spiffeIdOf(request: Pick<IdentityRequest, 'namespace' | 'serviceAccountName'>, policy: Pick<IssuancePolicy, 'trustDomain' | 'pathTemplate'>): SpiffeId {
  const values = { namespace: request.namespace, serviceAccount: request.serviceAccountName };
  return workloadSpiffeId(policy.trustDomain, expandPathTemplate(policy.pathTemplate, values));
}

/** The SPIFFE ID of somebody outside. @throws SPIFFE_… */
export function externalSpiffeId({ entry, segments }: Pick<ExternalRequest, 'entry' | 'segments'>, { trustDomain }: Pick<IssuancePolicy, 'trustDomain'>): SpiffeId {
  return workloadSpiffeId(trustDomain, ['', externalSegment, entry, ...segments].join('/'));
}

function decideDnsNames(request: IdentityRequest, policy: IssuancePolicy, denials: Denial[]): readonly DnsName[] {
  const accepted: DnsName[] = [];
  for (const [index, text] of request.dnsNames.entries()) {
    const field = `spec.dnsNames[${index}]`;
    const name = attempt(denials, field, () => parseDnsName(text));
    if (name === undefined || accepted.includes(name)) continue;
    if (dnsNameAllowed(name, policy.allowedDnsPatterns, request.namespace)) {
      accepted.push(name);
      continue;
    }
    const allowed = policy.allowedDnsPatterns.map((pattern) => pattern.replaceAll('{namespace}', request.namespace)).join(', ');
    denials.push({
      field,
      message: `"${name}" is outside the DNS policy of trust domain ${policy.trustDomain}: use a name that matches ${allowed || 'nothing (no DNS names are allowed)'}, or widen spec.dnsNames.allowedPatterns of the TrustDomain`,
    });
  }
  return accepted;
}

function decideTtl(request: Pick<IdentityRequest, 'ttlMs'>, policy: IssuancePolicy, denials: Denial[]): number {
  const ttlMs = request.ttlMs ?? policy.defaultTtlMs;
  const field = request.ttlMs === undefined ? 'the default TTL of the trust domain' : 'spec.ttl';
  if (ttlMs > policy.maxTtlMs) {
    denials.push({ field, message: `${seconds(ttlMs)} is longer than the ${seconds(policy.maxTtlMs)} that trust domain ${policy.trustDomain} allows (spec.svid.maxTTL): ask for at most that` });
  }
  if (ttlMs < policy.minTtlMs) {
    denials.push({ field, message: `${seconds(ttlMs)} is shorter than ${seconds(policy.minTtlMs)}, ${policy.minTtlReason}: ask for at least that` });
  }
  return ttlMs;
}

/** Runs a parser of untrusted text and turns its refusal into a denial. */
export function attempt<T>(denials: Denial[], field: string, parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    denials.push({ field, message: error.message });
    return undefined;
  }
}

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}
