import { randomBytes } from 'node:crypto';
import { activeAuthority, createRecord } from '../../authority/index.ts';
import { decide, Issuer } from '../../issuance/index.ts';
import { resolvedTrustDomainSpec, type TrustDomain } from '../../resources/index.ts';
import { parseTrustDomainName } from '../../spiffe/index.ts';
import { generateKeyPair } from '../../x509/index.ts';
import type { RotationSite } from './site.ts';
import type { WriteProbe } from './write-probe.ts';

/** What a drill measured, without touching anything that is in use. */
export interface DrillFigures {
  /** How long it took to make a root and an issuing authority like those of the trust domain. */
  readonly authoritiesSeconds: number;
  /** Certificates with their keys that this machine made a second, and of how many. */
  readonly signaturesPerSecond: number;
  readonly signed: number;
  readonly writing: WriteProbe | { readonly unmeasured: string };
}

/** Certificates that are signed, and how long at most, milliseconds. */
const leavesMax = 200;
const signingMs = 2_000;

/** Measures what a rotation of this trust domain would wait for. The authorities that sign here are thrown away. */
export async function measureDrill(site: RotationSite, object: TrustDomain, nowMs: () => number): Promise<DrillFigures> {
  const spec = resolvedTrustDomainSpec(object);
  const trustDomain = parseTrustDomainName(object.metadata.name);
  const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };
  const startMs = performance.now();
  const record = await createRecord(trustDomain, { root: spec.rootAuthority, issuing: spec.issuingAuthority }, nowMs(), tools);
  const authoritiesSeconds = (performance.now() - startMs) / 1000;
  const issuer = await Issuer.open(activeAuthority(record, 'Issuing'), record.signerEpoch);
  const { ttlMs, maxTtlMs } = spec.svid;
  const policy = { trustDomain, pathTemplate: spec.pathTemplate, allowedDnsPatterns: [], defaultTtlMs: ttlMs, maxTtlMs, minTtlMs: 0, minTtlReason: 'none' };
  const decision = decide({ namespace: 'drill', serviceAccountName: 'drill', dnsNames: [], commonName: undefined, ttlMs: undefined }, policy);
  if (!decision.granted) throw new Error(`invariant broken: a drill's own identity is denied: ${JSON.stringify(decision.denials)}`);
  const lease = { permits: () => true, acknowledge: async () => undefined };
  const beginMs = performance.now();
  let signed = 0;
  while (signed < leavesMax && performance.now() - beginMs < signingMs) {
    const { publicKey } = await generateKeyPair('ECDSAP256');
    issuer.issue(decision.grant, publicKey, randomBytes(16), lease, nowMs());
    signed += 1;
  }
  return { authoritiesSeconds, signed, signaturesPerSecond: signed / ((performance.now() - beginMs) / 1000), writing: await site.probeWrites() };
}
