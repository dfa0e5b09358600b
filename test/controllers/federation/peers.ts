import type { BundleAnswer, BundleRequest } from '../../../src/controllers/federation/fetch.ts';
import { MtlsdError } from '../../../src/errors/index.ts';
import { encodeSpiffeBundle, parseTrustDomainName } from '../../../src/spiffe/index.ts';
import { buildRootCertificate, encodePem, generateKeyPair, type Certificate } from '../../../src/x509/index.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');
const yearMs = 365 * 86_400_000;

/** A root of `trustDomain`. */
export async function rootOf(trustDomain: string): Promise<Certificate> {
  const keyPair = await generateKeyPair('ECDSAP256');
  return buildRootCertificate({
    trustDomain: parseTrustDomainName(trustDomain),
    commonName: `${trustDomain} root`,
    serialNumber: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
    notBeforeMs: startMs,
    notAfterMs: startMs + yearMs,
    publicKey: keyPair.publicKey,
    keyPair,
  });
}

/** Its bundle document. */
export function documentOf(trustDomain: string, sequence: number, roots: readonly Certificate[], refreshHintSeconds?: number): string {
  return encodeSpiffeBundle({ trustDomain: parseTrustDomainName(trustDomain), x509Roots: roots.map(({ der }) => der), jwtKeys: [], sequence: BigInt(sequence), refreshHintSeconds });
}

/** Roots as a file has them. */
export function pemOf(roots: readonly Certificate[]): string {
  return roots.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
}

/** How servers of bundles behave, by host: they answer, are dead, or never answer. */
export class Servers {
  readonly requests: BundleRequest[] = [];
  readonly #behaviours = new Map<string, () => Promise<BundleAnswer>>();

  serve(host: string, body: string): void {
    this.#behaviours.set(host, async () => ({ status: 200, headers: { 'content-type': 'application/json' }, body }));
  }

  /** Answers when the function that is returned is called. */
  serveLater(host: string, body: string): () => void {
    const { promise, resolve } = Promise.withResolvers<BundleAnswer>();
    this.#behaviours.set(host, () => promise);
    return () => resolve({ status: 200, headers: { 'content-type': 'application/json' }, body });
  }

  redirect(host: string, target: () => string): void {
    this.#behaviours.set(host, async () => ({ status: 302, headers: { location: target() }, body: '' }));
  }

  hang(host: string): void {
    this.#behaviours.set(host, () => new Promise(() => undefined));
  }

  die(host: string): void {
    this.#behaviours.delete(host);
  }

  readonly fetch = async (request: BundleRequest): Promise<BundleAnswer> => {
    this.requests.push(request);
    const behaviour = this.#behaviours.get(new URL(request.url).hostname);
    if (behaviour === undefined) throw new MtlsdError('FEDERATION_UNREACHABLE', `${request.url} cannot be reached (ECONNREFUSED)`);
    return behaviour();
  };

  asked(host: string): number {
    return this.requests.filter(({ url }) => new URL(url).hostname === host).length;
  }
}
