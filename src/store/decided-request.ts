/** As far as this looks at a PodCertificateRequest, stored or on the wire. */
interface Request {
  readonly spec?: unknown;
  readonly status?: unknown;
}

/**
 * A PodCertificateRequest as watches show it. Until it is decided it is whole; afterwards its key and its chain, by far the
 * most of it, are of no use to anybody who watches, and it stays in caches for a quarter of an hour.
 */
export function withoutDecided<T extends object>(object: T): T {
  const { spec, status } = object as Request;
  if (!isRecord(spec) || !isRecord(status) || !Array.isArray(status['conditions']) || status['conditions'].length === 0) return object;
  const { stubPKCS10Request: _csr, pkixPublicKey: _key, proofOfPossession: _proof, ...asked } = spec;
  const { certificateChain: _chain, ...decided } = status;
  return { ...object, spec: asked, status: decided };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
