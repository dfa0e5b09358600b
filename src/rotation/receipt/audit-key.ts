import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { keyPairFromPem, type KeyPair } from '../../x509/index.ts';

/**
 * The key that signs receipts and the checkpoints of the audit log. It is of this installation, signs nothing else, and is no authority's key: who takes an authority
 * over cannot write its history, and who can write history cannot issue. Keys that signed earlier are kept by their public half.
 */
export interface AuditKeys {
  readonly current: AuditKey;
  /** Public halves of earlier keys, the newest first. */
  readonly earlier: readonly PublicAuditKey[];
}

/** The public half. */
export interface PublicAuditKey {
  /** SHA-256 over the SubjectPublicKeyInfo, hexadecimal. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly pem: string;
}

/** The key in use. */
export interface AuditKey extends PublicAuditKey {
  readonly keyPair: KeyPair;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** A year: what a stolen key could forge is bounded, and a change of it is nothing that nobody has seen for a decade. */
const lifetimeMs = 365 * 86_400_000;
/** With a year each, more than any installation needs; and a bound (L17). */
const earlierMax = 32;

/** The algorithm of an audit key: any OpenSSL or LibreSSL verifies it by `openssl dgst`. */
export const auditKeyAlgorithm = 'ECDSAP256';

const dataKeys = { current: 'current.key', createdAt: 'created-at', earlier: 'earlier.pem' } as const;

/** An audit key around a new key pair. */
export function auditKey(keyPair: KeyPair, createdAtMs: number): AuditKey {
  return { ...publicAuditKey(createPublicKey(keyPair.privateKey)), keyPair, createdAtMs };
}

/** A public key with its name. */
function publicAuditKey(key: KeyObject): PublicAuditKey {
  const spki = key.export({ type: 'spki', format: 'der' });
  return { keyId: createHash('sha256').update(spki).digest('hex'), pem: key.export({ type: 'spki', format: 'pem' }) };
}

/** Whether another key is due. */
export function isAuditKeyOld(keys: AuditKeys, nowMs: number): boolean {
  return nowMs - keys.current.createdAtMs >= lifetimeMs;
}

/** The keys after a change: the one in use so far leaves its public half. */
export function replaceAuditKey(keys: Pick<AuditKeys, 'earlier'> & { readonly current?: PublicAuditKey | undefined }, next: AuditKey): AuditKeys {
  const { keyId, pem } = keys.current ?? {};
  const last = keyId === undefined || pem === undefined ? [] : [{ keyId, pem }];
  const known = new Set<string>([next.keyId]);
  const earlier = [...last, ...keys.earlier].filter((key) => !known.has(key.keyId) && known.add(key.keyId));
  return { current: next, earlier: earlier.slice(0, earlierMax) };
}

/** The keys as `data` of a Secret (base64 values). */
export function encodeAuditKeys({ current, earlier }: AuditKeys): Record<string, string> {
  return {
    [dataKeys.current]: toBase64(current.keyPair.privateKeyPem()),
    [dataKeys.createdAt]: toBase64(new Date(current.createdAtMs).toISOString()),
    [dataKeys.earlier]: toBase64(earlier.map(({ pem }) => pem).join('')),
  };
}

/** Reads what `encodeAuditKeys` wrote; undefined for anything else: then a new key is made, and what can be read of the old ones stays. */
export function decodeAuditKeys(data: Readonly<Record<string, string>>): AuditKeys | undefined {
  try {
    const createdAtMs = Date.parse(fromBase64(data[dataKeys.createdAt]));
    if (Number.isNaN(createdAtMs)) return undefined;
    return { current: auditKey(keyPairFromPem(fromBase64(data[dataKeys.current])), createdAtMs), earlier: readPublicKeys(fromBase64(data[dataKeys.earlier])) };
  } catch {
    return undefined;
  }
}

/** Every public key in PEM, in the order in which they stand there. Other text is passed over. @throws when a block is no public key */
export function readPublicKeys(pem: string): readonly PublicAuditKey[] {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/gu) ?? [];
  return blocks.map((block) => publicAuditKey(createPublicKey(block)));
}

/** The public halves, the one in use first: what an auditor verifies with. */
export function publicKeysPem({ current, earlier }: AuditKeys): string {
  return [current, ...earlier].map(({ pem }) => pem).join('');
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function fromBase64(text: string | undefined): string {
  return Buffer.from(text ?? '', 'base64').toString('utf8');
}
