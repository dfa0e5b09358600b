import { MtlsdError } from '../errors/index.ts';
import { parseTrustDomainName } from '../spiffe/index.ts';
import type { TrustDomainName } from '../spiffe/index.ts';
import {
  buildIssuingCertificate,
  buildRootCertificate,
  encodePem,
  keyPairFromPem,
  type Certificate,
  type KeyAlgorithm,
  type KeyPair,
} from '../x509/index.ts';
import { activeAuthority, type Authority, type AuthorityRecord, type AuthorityRole } from './record.ts';

/** How an authority is to be made: applies to the next one, never to one that exists. */
export interface AuthoritySpec {
  readonly keyAlgorithm: KeyAlgorithm;
  readonly lifetimeMs: number;
}

/** What authorities are made of: everything that is not pure comes in here. */
export interface AuthorityTools {
  generateKeyPair(algorithm: KeyAlgorithm): Promise<KeyPair>;
  /** Cryptographically strong random octets. */
  randomBytes(length: number): Uint8Array;
}

/** How far authorities (and leaves) are dated back, so that a verifier whose clock is behind accepts them at once. */
export const backdateMs = 60_000;

/**
 * The first record of a trust domain: one root, one issuing authority under it.
 * @param previous a record whose roots are given up on purpose: its counters go on, so that no reader sees them go back
 */
export async function createRecord(
  trustDomain: TrustDomainName,
  specs: { readonly root: AuthoritySpec; readonly issuing: AuthoritySpec },
  nowMs: number,
  tools: AuthorityTools,
  previous?: Pick<AuthorityRecord, 'signerEpoch' | 'bundleGeneration' | 'bundleSequence'>,
): Promise<AuthorityRecord> {
  const root = await makeRoot(trustDomain, specs.root, nowMs, tools);
  const bundleGeneration = (previous?.bundleGeneration ?? 0) + 1;
  return {
    trustDomain,
    signerEpoch: (previous?.signerEpoch ?? 0) + 1,
    bundleGeneration,
    bundleSequence: (previous?.bundleSequence ?? 0n) + 1n,
    authorities: [{ ...root, sinceGeneration: bundleGeneration }, await makeIssuing(trustDomain, root, specs.issuing, nowMs, tools)],
  };
}

/**
 * A new issuing authority under the same root takes over; the one before keeps its certificate until its leaves have
 * ended and loses its key at once. Bundles do not change: consumers trust roots.
 * @throws AUTHORITY_ROOT_ENDING when the root could not cover `minimumLifeMs` of the new authority's life
 */
export async function turnOverIssuing(
  record: AuthorityRecord,
  spec: AuthoritySpec,
  minimumLifeMs: number,
  nowMs: number,
  tools: AuthorityTools,
): Promise<AuthorityRecord> {
  const root = activeAuthority(record, 'Root');
  if (root.certificate.notAfterMs - nowMs < minimumLifeMs) {
    throw new MtlsdError(
      'AUTHORITY_ROOT_ENDING',
      `root authority ${root.keyIdentifier} of ${record.trustDomain} ends at ${new Date(root.certificate.notAfterMs).toISOString()}: too soon for another issuing authority; replace the root`,
      { details: { trustDomain: record.trustDomain } },
    );
  }
  const next = await makeIssuing(record.trustDomain, root, spec, nowMs, tools);
  const authorities = record.authorities.map((authority) =>
    authority.role === 'Issuing' && authority.state === 'Active' ? retire(authority, nowMs) : authority,
  );
  return { ...record, signerEpoch: record.signerEpoch + 1, authorities: [...authorities, next] };
}

/** The record without the named authorities, which must be Retiring. Dropping a root changes the bundle. */
export function dropRetired(record: AuthorityRecord, keyIdentifiers: ReadonlySet<string>): AuthorityRecord {
  const gone = record.authorities.filter((authority) => keyIdentifiers.has(authority.keyIdentifier));
  if (gone.some((authority) => authority.state !== 'Retiring')) throw new Error('invariant broken: only a Retiring authority may be dropped');
  const bundleChanges = gone.some((authority) => authority.role === 'Root');
  return {
    ...record,
    bundleGeneration: record.bundleGeneration + (bundleChanges ? 1 : 0),
    bundleSequence: record.bundleSequence + (bundleChanges ? 1n : 0n),
    authorities: record.authorities.filter((authority) => !keyIdentifiers.has(authority.keyIdentifier)),
  };
}

/** Retiring, without its key. */
export function retire(authority: Authority, nowMs: number): Authority {
  return { ...authority, state: 'Retiring', retiredAtMs: nowMs, privateKeyPem: undefined };
}

/** A new root authority, Active. */
export async function makeRoot(trustDomain: TrustDomainName, spec: AuthoritySpec, nowMs: number, tools: AuthorityTools): Promise<Authority> {
  const keyPair = await tools.generateKeyPair(spec.keyAlgorithm);
  const certificate = await buildRootCertificate({
    ...validity(spec, nowMs),
    ...subject(trustDomain, 'Root', keyPair),
    serialNumber: serial(tools),
    keyPair,
  });
  return asAuthority('Root', certificate, keyPair);
}

/** A new issuing authority under a root that still has its key, Active. */
export async function makeIssuing(
  trustDomain: TrustDomainName,
  root: Authority,
  spec: AuthoritySpec,
  nowMs: number,
  tools: AuthorityTools,
): Promise<Authority> {
  if (root.privateKeyPem === undefined) throw new Error('invariant broken: the active root has no key');
  const keyPair = await tools.generateKeyPair(spec.keyAlgorithm);
  const { notBeforeMs, notAfterMs } = validity(spec, nowMs);
  const certificate = await buildIssuingCertificate({
    ...subject(trustDomain, 'Issuing', keyPair),
    serialNumber: serial(tools),
    notBeforeMs: Math.max(notBeforeMs, root.certificate.notBeforeMs),
    // An issuer never outlives its root (L21).
    notAfterMs: Math.min(notAfterMs, root.certificate.notAfterMs),
    issuer: root.certificate,
    issuerKey: keyPairFromPem(root.privateKeyPem),
  });
  return asAuthority('Issuing', certificate, keyPair);
}

function asAuthority(role: AuthorityRole, certificate: Certificate, keyPair: KeyPair): Authority {
  return {
    keyIdentifier: keyPair.publicKey.keyIdentifier,
    role,
    state: 'Active',
    certificate,
    certificatePem: encodePem('CERTIFICATE', certificate.der),
    retiredAtMs: undefined,
    privateKeyPem: keyPair.privateKeyPem(),
  };
}

/** Every authority has a subject of its own: many roots with one subject trip verifiers' limits (L19). */
function subject(trustDomain: TrustDomainName, role: AuthorityRole, keyPair: KeyPair) {
  const commonName = `mtlsd ${role.toLowerCase()} ${keyPair.publicKey.keyIdentifier.slice(0, 16)}`;
  return { commonName, trustDomain: parseTrustDomainName(trustDomain), publicKey: keyPair.publicKey };
}

function validity(spec: AuthoritySpec, nowMs: number): { notBeforeMs: number; notAfterMs: number } {
  const nowSeconds = Math.floor(nowMs / 1000) * 1000;
  return { notBeforeMs: nowSeconds - backdateMs, notAfterMs: nowSeconds + spec.lifetimeMs };
}

/** 128 random bits, never zero and never negative once encoded (RFC 5280 §4.1.2.2). */
function serial(tools: AuthorityTools): Uint8Array {
  return tools.randomBytes(16);
}
