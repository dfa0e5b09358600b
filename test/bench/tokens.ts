import { randomBytes, sign } from 'node:crypto';
import { SignJWT } from 'jose';
import { activeJwtAuthority, createRecord, withFirstJwtAuthority, type JwtAlgorithm } from '../../src/authority/index.ts';
import { decideToken, JwtIssuer } from '../../src/issuance/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { generateKeyPair, keyPairFromPem, SerialNumbers } from '../../src/x509/index.ts';
import { type Measurement, median, ratePerSecond } from './measurement.ts';

const rounds = 3;
const cpuMs = 300;
const nowMs = Date.UTC(2030, 0, 1);
const trustDomain = parseTrustDomainName('bench.example');
const policy = { trustDomain, pathTemplate: '/ns/{namespace}/sa/{serviceAccount}', ttlMs: 300_000 };
const subject = { kind: 'service-account', namespace: 'shop', serviceAccountName: 'cart' } as const;
const issuer = 'https://tokens.bench.example';

type Operations = Readonly<Record<'mtlsd' | 'bare signature' | 'jose', () => unknown>>;

/** Policy, lease, claims and signature: the whole way of a token through `issuance/`. */
async function operationsFor(algorithm: JwtAlgorithm): Promise<Operations> {
  const tools = { generateKeyPair, randomBytes };
  const spec = { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 24 * 3_600_000 };
  const record = await withFirstJwtAuthority(await createRecord(trustDomain, { root: spec, issuing: spec }, nowMs, tools), algorithm, nowMs, tools);
  const authority = activeJwtAuthority(record.jwt);
  if (authority?.privateKeyPem === undefined) throw new Error('no key');
  const signer = JwtIssuer.open(authority, { trustDomain, issuer, signerEpoch: record.signerEpoch });
  const lease = { acknowledge: () => Promise.resolve(), permits: () => true };
  const tokenIds = new SerialNumbers(randomBytes);
  const key = keyPairFromPem(authority.privateKeyPem).privateKey;
  const data = randomBytes(400);
  return {
    mtlsd: () => {
      const decision = decideToken({ subject, audience: ['orders'], ttlMs: undefined }, policy);
      if (!decision.granted) throw new Error(decision.denials.map(({ message }) => message).join('; '));
      return signer.issue(decision.grant, tokenIds.next(), lease, nowMs);
    },
    'bare signature': () => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
    jose: async () =>
      new SignJWT({ jti: randomBytes(16).toString('base64url') })
        .setProtectedHeader({ alg: algorithm, kid: authority.keyIdentifier, typ: 'JWT' })
        .setIssuer(issuer)
        .setSubject('spiffe://bench.example/ns/shop/sa/cart')
        .setAudience(['orders'])
        .setIssuedAt(nowMs / 1000)
        .setExpirationTime(nowMs / 1000 + 300)
        .sign(key),
  };
}

/** JWT-SVIDs a second of CPU time, beside the bare signature and a library that signs by WebCrypto. */
export async function* tokens(): AsyncIterable<Measurement> {
  for (const algorithm of ['ES256', 'RS256'] as const) {
    const operations = Object.entries(await operationsFor(algorithm));
    const rates = new Map<string, number[]>(operations.map(([name]) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, operation] of operations) rates.get(name)?.push(await ratePerSecond(operation, cpuMs));
    }
    for (const [name] of operations) yield { bench: 'tokens', metric: `${algorithm}: ${name}`, value: median(rates.get(name) ?? []), unit: '/s' };
  }
}
