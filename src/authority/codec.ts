import { createHash } from 'node:crypto';
import { isMtlsdError, MtlsdError } from '../errors/index.ts';
import { parseTrustDomainName, type TrustDomainName } from '../spiffe/index.ts';
import { encodePem, keyPairFromPem, parseCertificate, parsePem, verifySignature } from '../x509/index.ts';
import { assertJwt, decodeJwt, encodeJwt, jwtKeyFiles, type EncodedJwt } from './jwt-codec.ts';
import { decodeFinished, decodeRotation, encodeRotation, type EncodedRotation } from './rotation-codec.ts';
import { bundleSha256, type Authority, type AuthorityRecord, type AuthorityRole, type AuthorityState } from './record.ts';

/** The layout of a record without a rotation under way: every version reads it. */
const plainVersion = 1;
/** The layout of a record with a rotation under way: a version that knows no rotations must not drop half of one. */
const rotationVersion = 2;
/** The layout of a record with JWT authorities, and the newest that this code reads. */
const jwtVersion = 3;
/** Under which the record stands without its keys. */
export const recordFile = 'record.json';
const roles: readonly AuthorityRole[] = ['Root', 'Issuing'];
const states: readonly AuthorityState[] = ['Prepared', 'Active', 'Retiring'];

interface EncodedAuthority {
  readonly keyIdentifier: string;
  readonly role: AuthorityRole;
  readonly state: AuthorityState;
  readonly certificate: string;
  readonly retiredAt?: string;
  /** By channel, RFC 3339. */
  readonly reserved?: Readonly<Record<string, string>>;
  readonly sinceGeneration?: number;
  readonly distrustAt?: string;
}

interface EncodedRecord {
  readonly version: number;
  readonly trustDomain: string;
  readonly signerEpoch: number;
  readonly bundleGeneration: number;
  readonly bundleSequence: string;
  readonly bundleSha256: string;
  readonly authorities: readonly EncodedAuthority[];
  readonly rotation?: EncodedRotation;
  readonly lastRotation?: EncodedRotation;
  readonly jwt?: EncodedJwt;
  /** SHA-256 over the rest: a digit of a counter that fell over looks like any other digit. */
  readonly checksum?: string;
}

/** The record as `data` of a Secret (base64 values): `record.json` and a `<key identifier>.key` for each key. */
export function encodeRecord(record: AuthorityRecord): Record<string, string> {
  const encoded: EncodedRecord = {
    version: versionOf(record),
    trustDomain: record.trustDomain,
    signerEpoch: record.signerEpoch,
    bundleGeneration: record.bundleGeneration,
    bundleSequence: record.bundleSequence.toString(),
    bundleSha256: bundleSha256(record),
    authorities: record.authorities.map(encodeAuthority),
    ...(record.rotation === undefined ? {} : { rotation: encodeRotation(record.rotation) }),
    ...(record.lastRotation === undefined ? {} : { lastRotation: encodeRotation(record.lastRotation) }),
    ...(record.jwt === undefined ? {} : { jwt: encodeJwt(record.jwt) }),
  };
  const checked: EncodedRecord = { ...encoded, checksum: checksumOf(encoded) };
  const data: Record<string, string> = { [recordFile]: toBase64(`${JSON.stringify(checked, undefined, 2)}\n`) };
  for (const authority of record.authorities) {
    if (authority.privateKeyPem !== undefined) data[`${authority.keyIdentifier}.key`] = toBase64(authority.privateKeyPem);
  }
  for (const [file, pem] of jwtKeyFiles(record.jwt)) data[file] = toBase64(pem);
  return data;
}

function versionOf({ jwt, rotation }: AuthorityRecord): number {
  if (jwt !== undefined) return jwtVersion;
  return rotation === undefined ? plainVersion : rotationVersion;
}

function encodeAuthority(authority: Authority): EncodedAuthority {
  return {
    keyIdentifier: authority.keyIdentifier,
    role: authority.role,
    state: authority.state,
    certificate: authority.certificatePem,
    ...(authority.retiredAtMs === undefined ? {} : { retiredAt: new Date(authority.retiredAtMs).toISOString() }),
    ...(authority.reserved === undefined ? {} : { reserved: mapped(authority.reserved, (ms) => new Date(ms).toISOString()) }),
    ...(authority.sinceGeneration === undefined ? {} : { sinceGeneration: authority.sinceGeneration }),
    ...(authority.distrustAtMs === undefined ? {} : { distrustAt: new Date(authority.distrustAtMs).toISOString() }),
  };
}

/**
 * Reads a record and proves that its parts fit each other: names, keys to certificates, issuing authorities to roots, the
 * checksum of the bundle, one active authority a role. Nothing is repaired and nothing is guessed.
 * @param where what to restore, as the user knows it (a Secret or a file)
 * @throws AUTHORITY_RECORD_DAMAGED, AUTHORITY_RECORD_NEWER; the message never holds key material
 */
export function decodeRecord(data: Readonly<Record<string, string>>, trustDomain: TrustDomainName, where: string): AuthorityRecord {
  try {
    const encoded = readJson(data, trustDomain, where);
    const record: AuthorityRecord = {
      trustDomain: parseTrustDomainName(encoded.trustDomain),
      signerEpoch: natural(encoded.signerEpoch, 'signerEpoch'),
      bundleGeneration: natural(encoded.bundleGeneration, 'bundleGeneration'),
      bundleSequence: BigInt(encoded.bundleSequence),
      authorities: encoded.authorities.map((authority) => decodeAuthority(authority, data)),
      ...(encoded.rotation === undefined ? {} : { rotation: decodeRotation(encoded.rotation) }),
      ...(encoded.lastRotation === undefined ? {} : { lastRotation: decodeFinished(encoded.lastRotation) }),
      ...(encoded.jwt === undefined ? {} : { jwt: decodeJwt(encoded.jwt, (file) => (data[file] === undefined ? undefined : fromBase64(data[file]))) }),
    };
    assertConsistent(record, encoded, trustDomain);
    return record;
  } catch (error) {
    if (isMtlsdError(error, 'AUTHORITY_RECORD_NEWER')) throw error;
    const why = error instanceof Error ? error.message : 'unknown';
    throw new MtlsdError(
      'AUTHORITY_RECORD_DAMAGED',
      `the authority record of ${trustDomain} is damaged (${why}); restore ${where} from a backup: nothing is signed for this trust domain until then`,
      { details: { trustDomain } },
    );
  }
}

function readJson(data: Readonly<Record<string, string>>, trustDomain: TrustDomainName, where: string): EncodedRecord {
  const text = data[recordFile];
  if (text === undefined) throw new Error(`${recordFile} is missing`);
  const encoded = JSON.parse(fromBase64(text)) as EncodedRecord;
  if (typeof encoded !== 'object' || encoded === null || !Array.isArray(encoded.authorities)) throw new Error(`${recordFile} is no record`);
  if (typeof encoded.version === 'number' && encoded.version > jwtVersion) {
    throw new MtlsdError(
      'AUTHORITY_RECORD_NEWER',
      `${where} was written by a newer mtlsd (layout ${encoded.version}, this one reads up to ${jwtVersion}); run the newer version, or restore an older record`,
      { details: { trustDomain } },
    );
  }
  if (![plainVersion, rotationVersion, jwtVersion].includes(encoded.version)) throw new Error('its layout version is not known');
  const { checksum, ...rest } = encoded;
  if (checksum !== checksumOf(rest)) throw new Error(`${recordFile} does not match its checksum`);
  return encoded;
}

function checksumOf(encoded: EncodedRecord): string {
  return createHash('sha256').update(JSON.stringify(encoded)).digest('hex');
}

function decodeAuthority(encoded: EncodedAuthority, data: Readonly<Record<string, string>>): Authority {
  if (!roles.includes(encoded.role) || !states.includes(encoded.state)) throw new Error('an authority has an unknown role or state');
  const [block, ...more] = parsePem(encoded.certificate);
  if (block === undefined || more.length > 0) throw new Error('an authority has not exactly one certificate');
  const certificate = parseCertificate(block.der);
  if (certificate.subjectKeyIdentifier !== encoded.keyIdentifier) throw new Error(`authority ${encoded.keyIdentifier} bears another certificate`);
  return {
    keyIdentifier: encoded.keyIdentifier,
    role: encoded.role,
    state: encoded.state,
    certificate,
    certificatePem: encodePem('CERTIFICATE', certificate.der),
    retiredAtMs: encoded.retiredAt === undefined ? undefined : instant(encoded.retiredAt),
    privateKeyPem: decodeKey(encoded, data),
    ...(encoded.reserved === undefined ? {} : { reserved: mapped(encoded.reserved, instant) }),
    ...(encoded.sinceGeneration === undefined ? {} : { sinceGeneration: natural(encoded.sinceGeneration, 'sinceGeneration') }),
    ...(encoded.distrustAt === undefined ? {} : { distrustAtMs: instant(encoded.distrustAt) }),
  };
}

function decodeKey(encoded: EncodedAuthority, data: Readonly<Record<string, string>>): string | undefined {
  const text = data[`${encoded.keyIdentifier}.key`];
  if (text === undefined) {
    if (encoded.state === 'Retiring') return undefined;
    throw new Error(`the key of authority ${encoded.keyIdentifier} is missing`);
  }
  const pem = fromBase64(text);
  // Opened once to compare, then dropped: signers open a key for themselves, and a root's only while it signs.
  if (keyPairFromPem(pem).publicKey.keyIdentifier !== encoded.keyIdentifier) throw new Error(`authority ${encoded.keyIdentifier} bears another key`);
  return pem;
}

function assertConsistent(record: AuthorityRecord, encoded: EncodedRecord, trustDomain: TrustDomainName): void {
  if (record.trustDomain !== trustDomain) throw new Error(`it belongs to trust domain ${record.trustDomain}`);
  if (bundleSha256(record) !== encoded.bundleSha256) throw new Error('its roots do not match their checksum');
  for (const role of roles) {
    const active = record.authorities.filter((authority) => authority.role === role && authority.state === 'Active');
    if (active.length !== 1) throw new Error(`it has ${active.length} active ${role} authorities where one is expected`);
  }
  const names = new Set(record.authorities.map((authority) => authority.keyIdentifier));
  if (names.size !== record.authorities.length) throw new Error('an authority stands in it twice');
  assertRotation(record, names);
  assertJwt(record.jwt);
  const roots = record.authorities.filter((authority) => authority.role === 'Root');
  for (const authority of record.authorities) {
    if (authority.role === 'Issuing' && authority.state === 'Retiring') continue; // its root may have gone first
    if (!roots.some((root) => verifySignature(authority.certificate, root.certificate))) {
      throw new Error(`authority ${authority.keyIdentifier} is signed by none of its roots`);
    }
  }
}

/** What takes over is there until it has; what was replaced is there until it is retired. */
function assertRotation(record: AuthorityRecord, names: ReadonlySet<string>): void {
  const { rotation } = record;
  if (rotation === undefined) return;
  const needed = [rotation.to, ...(rotation.switchedAtMs === undefined ? [rotation.toIssuing] : []), ...(rotation.what === 'Root' && rotation.retiredAtMs === undefined ? [rotation.from] : [])];
  const missing = needed.find((keyIdentifier) => !names.has(keyIdentifier));
  if (missing !== undefined) throw new Error(`authority ${missing} of the rotation under way is missing`);
}

function natural(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw new Error(`${name} is no positive integer`);
  return value;
}

function instant(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Error('a time in it does not parse');
  return at;
}

function mapped<T, U>(values: Readonly<Record<string, T>>, change: (value: T) => U): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}
