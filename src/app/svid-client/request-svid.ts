import { parseSpiffeId, validateX509Svid } from '../../spiffe/index.ts';
import { buildCertificateRequest, encodePem, generateKeyPair, parseCertificate, parsePem, verifySignature } from '../../x509/index.ts';
import { askApi, refreshTimeMs, strange, type SvidServer } from './ask-api.ts';

/** An SVID with its key, PEM. Times in milliseconds since the epoch. */
export interface FetchedSvid {
  readonly spiffeId: string;
  readonly keyPem: string;
  readonly chainPem: string;
  readonly rootsPem: string;
  readonly bundleJson: string;
  readonly notAfterMs: number;
  readonly refreshAtMs: number;
}

interface Answer {
  readonly certificates: string;
  readonly refreshAt: string;
  readonly bundle: { readonly roots: string; readonly spiffe: string };
}

/**
 * Makes a key and has the API certify it; the key leaves this process for the caller alone. What comes back is believed when
 * it is an SVID of that key which the roots beside it verify.
 * @throws MtlsdError API_REFUSED when the answer is no, API_UNREACHABLE when trying again may help, CONFIGURATION_INVALID
 */
export async function requestSvid(server: SvidServer, nowMs: () => number): Promise<FetchedSvid> {
  const keyPair = await generateKeyPair('ECDSAP256');
  const csr = encodePem('CERTIFICATE REQUEST', buildCertificateRequest(keyPair));
  const answer = await askApi(server, '/v1/svids/x509', { csr, ttl: server.ttl }, readAnswer);
  return proven(answer, { spki: keyPair.publicKey.spki, keyPem: keyPair.privateKeyPem() }, nowMs());
}

function readAnswer(answer: unknown): Answer | undefined {
  const { certificates, refreshAt, bundle } = (answer ?? {}) as Partial<Answer>;
  const parts = [certificates, refreshAt, bundle?.roots, bundle?.spiffe];
  return parts.every((part) => typeof part === 'string') ? (answer as Answer) : undefined;
}

function proven({ certificates, refreshAt, bundle }: Answer, { spki, keyPem }: { readonly spki: Uint8Array; readonly keyPem: string }, nowMs: number): FetchedSvid {
  const chain = certificatesIn(certificates);
  const [leaf] = chain;
  const uri = leaf?.subjectAltName?.uris[0];
  if (leaf === undefined || uri === undefined || !Buffer.from(leaf.publicKey.spki).equals(spki)) throw strange('the API', 'its answer is no SVID of the key that was sent');
  const spiffeId = parseSpiffeId(uri);
  const verdict = validateX509Svid(chain, { trustDomain: spiffeId.trustDomain, roots: certificatesIn(bundle.roots) }, { nowMs, verifySignature });
  if (!verdict.valid) throw strange('the API', `its SVID does not verify by its own roots: ${verdict.reasons.map(({ sentence }) => sentence).join('; ')}`);
  return { spiffeId: uri, keyPem, chainPem: certificates, rootsPem: bundle.roots, bundleJson: bundle.spiffe, notAfterMs: leaf.notAfterMs, refreshAtMs: refreshTimeMs(refreshAt, nowMs, leaf.notAfterMs) };
}

function certificatesIn(pem: string) {
  return parsePem(pem).map(({ der }) => parseCertificate(der));
}
