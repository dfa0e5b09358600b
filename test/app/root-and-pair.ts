import { randomBytes } from 'node:crypto';
import { activeAuthority, createRecord, rootsOf } from '../../src/authority/index.ts';
import { decide, Issuer } from '../../src/issuance/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { generateKeyPair } from '../../src/x509/index.ts';

const hourMs = 3_600_000;
const authority = { keyAlgorithm: 'ECDSAP256', lifetimeMs: 100 * hourMs } as const;

/** A root of its own, PEM, and a certificate below it for a server on localhost. */
export async function rootAndPair(): Promise<{ readonly root: string; readonly pair: { readonly key: string; readonly cert: string } }> {
  const trustDomain = parseTrustDomainName('servers.example');
  const record = await createRecord(trustDomain, { root: authority, issuing: authority }, Date.now(), { generateKeyPair, randomBytes });
  const issuer = await Issuer.open(activeAuthority(record, 'Issuing'), record.signerEpoch);
  const policy = { trustDomain, pathTemplate: '/ns/{namespace}/sa/{serviceAccount}', allowedDnsPatterns: ['localhost'], defaultTtlMs: hourMs, maxTtlMs: hourMs, minTtlMs: 60_000, minTtlReason: 'as short as can be' };
  const decision = decide({ namespace: 'servers', serviceAccountName: 'server', dnsNames: ['localhost'], commonName: undefined, ttlMs: undefined }, policy);
  if (!decision.granted) throw new Error(JSON.stringify(decision.denials));
  const keyPair = await generateKeyPair('ECDSAP256');
  const { chainPem } = issuer.issue(decision.grant, keyPair.publicKey, randomBytes(16), { permits: () => true, acknowledge: async () => undefined }, Date.now());
  return { root: rootsOf(record).map(({ certificatePem }) => certificatePem).join(''), pair: { key: keyPair.privateKeyPem(), cert: chainPem } };
}
