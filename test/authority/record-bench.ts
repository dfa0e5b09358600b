import { createRecord, type AuthorityRecord, type AuthorityTools } from '../../src/authority/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { generateKeyPair } from '../../src/x509/index.ts';
import { Random } from '../model/random.ts';

export const hourMs = 3_600_000;
export const startMs = Date.parse('2026-02-01T10:00:00Z');
export const domain = parseTrustDomainName('a.example');

const random = new Random(7);
export const tools: AuthorityTools = { generateKeyPair, randomBytes: (length) => random.bytes(length) };

/** A record whose root and issuing authority live that long, hours. */
export async function makeRecord(rootHours = 48, issuingHours = 8): Promise<AuthorityRecord> {
  const spec = (hours: number) => ({ keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: hours * hourMs });
  return createRecord(domain, { root: spec(rootHours), issuing: spec(issuingHours) }, startMs, tools);
}
