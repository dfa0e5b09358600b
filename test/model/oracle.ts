import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Secret, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';

/**
 * What must hold, said a second time and in other words than the product's: nothing of `src/` decides here. Certificates are
 * read by node:crypto.
 */

/** Milliseconds of "1h30m". */
function durationMs(text: string): number {
  const [, hours = '0', minutes = '0', seconds = '0'] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/u.exec(text) ?? [];
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/** What an identity may be given, or why nothing. */
export type Allowed = { readonly denied: string } | { readonly denied?: undefined; readonly spiffeId: string; readonly dnsNames: readonly string[]; readonly commonName: string | undefined; readonly ttlMs: number; readonly keyType: string };

/** What `trustDomain` allows `identity`. */
export function allowed(identity: WorkloadIdentity, trustDomain: TrustDomain): Allowed {
  const { spec, metadata } = identity;
  const namespace = metadata.namespace ?? '';
  const dnsNames = [...new Set(spec.dnsNames ?? [])];
  const patterns = trustDomain.spec.dnsNames?.allowedPatterns ?? ['*.{namespace}', '*.{namespace}.svc', '*.{namespace}.svc.cluster.local'];
  const expressions = patterns.map((pattern) => {
    const labels = pattern.split('.').map((label) => (label === '*' ? '[a-z0-9-]+' : label === '{namespace}' ? namespace : label));
    return new RegExp(`^${labels.join('\\.')}$`, 'u');
  });
  const outside = dnsNames.find((name) => !expressions.some((expression) => expression.test(name)));
  if (outside !== undefined) return { denied: `DNS name ${outside}` };
  const malformed = dnsNames.find((name) => !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/u.test(name));
  if (malformed !== undefined) return { denied: `malformed ${malformed}` };
  const ttlMs = durationMs(spec.ttl ?? trustDomain.spec.svid?.ttl ?? '1h');
  if (ttlMs > durationMs(trustDomain.spec.svid?.maxTTL ?? '24h')) return { denied: 'TTL too long' };
  if (ttlMs < 60_000) return { denied: 'TTL too short' };
  const template = trustDomain.spec.pathTemplate ?? '/ns/{namespace}/sa/{serviceAccount}';
  const path = template.replace('{namespace}', namespace).replace('{serviceAccount}', spec.serviceAccountName ?? metadata.name);
  return { spiffeId: `spiffe://${trustDomain.metadata.name}${path}`, dnsNames, commonName: spec.commonName, ttlMs, keyType: spec.keyAlgorithm === 'ED25519' ? 'ed25519' : 'ec' };
}

/** A leaf as node:crypto reads it, with its issuing authority and the roots beside it. */
export interface ReadPair {
  readonly leaf: X509Certificate;
  readonly issuing: X509Certificate;
  readonly roots: readonly X509Certificate[];
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly commonName: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  /** The leaf's public key, base64: leads to the decision that it came from. */
  readonly publicKey: string;
}

const beginCertificate = '-----BEGIN CERTIFICATE-----';

function certificates(pem: string): X509Certificate[] {
  return pem
    .split(beginCertificate)
    .slice(1)
    .map((part) => certificate(beginCertificate + part));
}

/** Certificates by their text: authorities are read again with every Secret. */
const read = new Map<string, X509Certificate>();

export function certificate(pem: string): X509Certificate {
  let known = read.get(pem);
  if (known === undefined) {
    if (read.size > 500) read.clear();
    read.set(pem, (known = new X509Certificate(pem)));
  }
  return known;
}

function text(secret: Secret, file: string): string {
  const data = secret.data[file];
  if (data === undefined) throw new Error(`${file} is missing`);
  return Buffer.from(data, 'base64').toString('utf8');
}

/** Reads the pair in a Secret and proves that its files fit each other. Throws an Error that says what does not. */
export function readPair(secret: Secret): ReadPair {
  if (secret.type !== 'kubernetes.io/tls') throw new Error(`type is ${secret.type}`);
  const [chainPem, keyPem] = [text(secret, 'tls.crt'), text(secret, 'tls.key')];
  const [leaf, issuing, ...more] = certificates(chainPem);
  if (leaf === undefined || issuing === undefined || more.length > 0) throw new Error('tls.crt is not leaf and issuing authority');
  const roots = certificates(text(secret, 'ca.crt'));
  if (!leaf.checkPrivateKey(createPrivateKey(keyPem))) throw new Error('tls.key does not belong to tls.crt');
  if (text(secret, 'credential-bundle.pem') !== keyPem + chainPem) throw new Error('credential-bundle.pem is another pair');
  if (!leaf.verify(issuing.publicKey)) throw new Error('the leaf is not signed by the issuing authority');
  const root = roots.find((candidate) => issuing.verify(candidate.publicKey));
  if (root === undefined) throw new Error('the issuing authority is signed by none of the roots in ca.crt');
  const bundle = JSON.parse(text(secret, 'bundle.json')) as { keys: { x5c: string[] }[] };
  if (bundle.keys.length !== roots.length || !bundle.keys.every((key) => roots.some((one) => one.raw.equals(Buffer.from(key.x5c[0] ?? '', 'base64'))))) throw new Error('bundle.json and ca.crt differ');
  const [fromMs, toMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  if (toMs > issuing.validToDate.getTime()) throw new Error('the leaf outlives its issuer');
  if (issuing.validToDate.getTime() > root.validToDate.getTime()) throw new Error('the issuer outlives its root');
  const names = (leaf.subjectAltName ?? '').split(', ');
  const named = (prefix: string): string[] => names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return {
    leaf,
    issuing,
    roots,
    uris: named('URI:'),
    dnsNames: named('DNS:'),
    commonName: leaf.subject === undefined ? undefined : /CN=(.*)/u.exec(leaf.subject)?.[1],
    fromMs,
    toMs,
    publicKey: leaf.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  };
}

/**
 * When a leaf of that life was decided on, by its own times: a minute after it begins; or within that minute when it begins
 * with its issuer, before which no leaf begins.
 */
export function decidedAtMs(pair: ReadPair, grant: Allowed): number {
  const latestMs = pair.fromMs + 60_000;
  if (grant.denied !== undefined || pair.fromMs !== pair.issuing.validFromDate.getTime()) return latestMs;
  return Math.min(latestMs, Math.max(pair.fromMs, pair.toMs - grant.ttlMs));
}

/** Why the leaf is not what was allowed, or undefined. */
export function outsidePolicy(pair: ReadPair, grant: Allowed, nowMs: number): string | undefined {
  if (grant.denied !== undefined) return `nothing was allowed (${grant.denied})`;
  if (pair.uris.length !== 1 || pair.uris[0] !== grant.spiffeId) return `the SPIFFE ID is ${pair.uris.join()}, not ${grant.spiffeId}`;
  if (pair.dnsNames.join() !== grant.dnsNames.join()) return `the DNS names are ${pair.dnsNames.join()}, not ${grant.dnsNames.join()}`;
  if (pair.commonName !== grant.commonName) return `the common name is ${pair.commonName}`;
  if (pair.leaf.publicKey.asymmetricKeyType !== grant.keyType) return `the key is ${pair.leaf.publicKey.asymmetricKeyType}`;
  if (pair.toMs > nowMs + grant.ttlMs) return `it ends ${(pair.toMs - nowMs) / 1000}s later, ${grant.ttlMs / 1000}s were allowed`;
  if (pair.toMs < nowMs + grant.ttlMs - 1000) return 'it ends too early';
  if (pair.fromMs > nowMs || pair.fromMs < nowMs - 61_000) return 'it does not begin a minute ago';
  if (!pair.issuing.ca || pair.leaf.ca) return 'the roles of leaf and issuer are mixed up';
  return undefined;
}
