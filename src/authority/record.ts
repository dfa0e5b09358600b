import { createHash } from 'node:crypto';
import type { CARotationSpec } from '../resources/index.ts';
import type { PublicJwk, TrustDomainName } from '../spiffe/index.ts';
import type { Certificate } from '../x509/index.ts';

/** What an authority signs: a root signs issuing authorities, an issuing authority signs leaves. */
export type AuthorityRole = 'Root' | 'Issuing';

/**
 * Prepared: trusted (a root) or ready (an issuing authority), signs nothing yet. Active: signs. Retiring: signs nothing
 * any more, is kept until nothing live can chain to it.
 */
export type AuthorityState = 'Prepared' | 'Active' | 'Retiring';

/** One authority as it stands in the record. */
export interface Authority {
  /** Its name everywhere: the subject key identifier, hexadecimal. */
  readonly keyIdentifier: string;
  readonly role: AuthorityRole;
  readonly state: AuthorityState;
  readonly certificate: Certificate;
  /** Certificate, PEM: what goes into chains and bundles. */
  readonly certificatePem: string;
  /** Milliseconds since the epoch; set when it became Retiring. */
  readonly retiredAtMs: number | undefined;
  /** PKCS#8 PEM. Absent once the authority signs nothing any more. Never leaves the record but to a signer. */
  readonly privateKeyPem: string | undefined;
  /** Until when leaves may live of which nobody keeps a list, by channel, milliseconds since the epoch: see `reserve`. */
  readonly reserved?: Readonly<Record<string, number>>;
  /** For a root: the generation of the bundle with which it joined. Undefined: it was there before that was noted. */
  readonly sinceGeneration?: number | undefined;
  /** For a Retiring root that an emergency distrusts sooner than the one that is under way now distrusts the others: when. */
  readonly distrustAtMs?: number | undefined;
}

/** How a JWT authority signs (SPIFFE-26; RFC 7518 §3.1). */
export type JwtAlgorithm = 'ES256' | 'RS256';

/** A key that signs JWT-SVIDs. It has no certificate: verifiers fetch its public half, and know it by its name. Times in milliseconds since the epoch. */
export interface JwtAuthority {
  /** `kid`: names the key everywhere, hexadecimal. */
  readonly keyIdentifier: string;
  readonly algorithm: JwtAlgorithm;
  /** Prepared: published, signs nothing yet. Active: signs. Retiring: signs nothing any more, is published for the tokens that it signed. */
  readonly state: AuthorityState;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The same as verifiers get it. */
  readonly jwk: PublicJwk;
  /** PKCS#8 PEM. Absent once it signs nothing any more. Never leaves the record but to a signer. */
  readonly privateKeyPem: string | undefined;
  /** Since when it is known to have been published; undefined: that is not known yet. */
  readonly publishedAtMs: number | undefined;
  readonly activatedAtMs: number | undefined;
  /** Since when it is known that nobody signs with it any more; undefined: that is not known yet. */
  readonly retiredAtMs: number | undefined;
}

/** The JWT authorities of a trust domain. */
export interface JwtAuthorities {
  /** Rises with each change of the set of keys, and never goes back; it outlives the keys. */
  readonly sequence: number;
  readonly keys: readonly JwtAuthority[];
}

/**
 * The authority record of one trust domain: the truth from which status and bundles are derived, never the other way. It
 * lives with its keys in one Secret (one state file), so that each change is one compare-and-swap.
 */
export interface AuthorityRecord {
  readonly trustDomain: TrustDomainName;
  /** Rises with each change of the active issuing authority. */
  readonly signerEpoch: number;
  /** Rises with each change of the set of roots. */
  readonly bundleGeneration: number;
  /** `spiffe_sequence`; never goes back (SPIFFE-19). */
  readonly bundleSequence: bigint;
  readonly authorities: readonly Authority[];
  /** Undefined: it never had one. */
  readonly jwt?: JwtAuthorities | undefined;
  /** The rotation that is under way: written together with what it changes, so that no crash parts the two. */
  readonly rotation?: RotationInRecord | undefined;
  /** The rotation that ended last: whoever asks for it again learns so, and rotates nothing. */
  readonly lastRotation?: FinishedRotation | undefined;
}

/** A rotation of an authority as the record holds it. Times in milliseconds since the epoch. */
export interface RotationInRecord {
  /** UID of the CARotation. */
  readonly uid: string;
  readonly name: string;
  readonly what: AuthorityRole;
  readonly mode: 'Graceful' | 'Emergency';
  /** Back: it was aborted after the switch; `from` and `to` are exchanged then. */
  readonly direction: 'Forward' | 'Back';
  /** Key identifier of the authority that is replaced. */
  readonly from: string;
  /** Key identifier of the authority that replaces it. */
  readonly to: string;
  /** Key identifier of the issuing authority that signs after the switch; `to` itself when that is one. */
  readonly toIssuing: string;
  readonly startedAtMs: number;
  /** When `to` took over; undefined: it is only prepared. */
  readonly switchedAtMs: number | undefined;
  /** The signer epoch that began then. */
  readonly switchEpoch: number | undefined;
  /** When the last leaf below `from` ends, as far as was known at the switch. */
  readonly leavesEndMs: number | undefined;
  /** For an emergency: when `from` leaves the bundle. */
  readonly distrustAtMs: number | undefined;
  /** When `from` left the record, and its key with it. */
  readonly retiredAtMs: number | undefined;
  /** SHA-256 (hexadecimal) over the certificate of the authority that left the record: nobody else knows it any more. */
  readonly goneSha256?: string | undefined;
  /** Other roots that left with it in an emergency: SHA-256 over the certificate by key identifier. */
  readonly goneBeside?: Readonly<Record<string, string>> | undefined;
  /** Rotations that this one, an emergency, put an end to, in their order: each of them learns it from here. */
  readonly overtook?: readonly FinishedRotation[] | undefined;
  /** The longest refresh hint that who fetches the bundle may have been told before the switch, seconds; undefined: that is not known. */
  readonly hintSeconds?: number | undefined;
  /** What a person had decided: a CARotation that is deleted is made anew with it. */
  readonly wishes?: RotationWishes | undefined;
}

/** What a person decides about a rotation that has begun, as its CARotation says it. */
export type RotationWishes = Pick<CARotationSpec, 'approvals' | 'approved' | 'pace' | 'exemptions' | 'paused'>;

/** What became of a rotation. */
export interface FinishedRotation extends Pick<RotationInRecord, 'uid' | 'name' | 'what' | 'mode' | 'from' | 'to' | 'startedAtMs' | 'switchedAtMs' | 'retiredAtMs' | 'goneSha256' | 'goneBeside' | 'overtook'> {
  readonly outcome: 'Complete' | 'Aborted';
  readonly finishedAtMs: number;
  /** Name of the emergency that took over. */
  readonly overtakenBy?: string | undefined;
}

/** What became of the rotation of this uid, as far back as the record knows; undefined: it has not ended, or long ago. */
export function finishedRotation({ rotation, lastRotation }: Pick<AuthorityRecord, 'rotation' | 'lastRotation'>, uid: string): FinishedRotation | undefined {
  const known = [...(rotation?.overtook ?? []), ...(lastRotation === undefined ? [] : [lastRotation, ...(lastRotation.overtook ?? [])])];
  return known.find((each) => each.uid === uid);
}

/** The roots of the trust domain, sorted by key identifier: the order in which bundles carry them. */
export function rootsOf(record: AuthorityRecord): readonly Authority[] {
  return record.authorities
    .filter((authority) => authority.role === 'Root')
    .sort((a, b) => (a.keyIdentifier < b.keyIdentifier ? -1 : 1));
}

/** The key identifier of the root that an authority chains to; a root's own for a root. */
export function rootBehind({ role, keyIdentifier, certificate }: Authority): string {
  return role === 'Root' ? keyIdentifier : (certificate.authorityKeyIdentifier ?? '');
}

/** The one active authority of a role. A decoded record always has both. */
export function activeAuthority(record: AuthorityRecord, role: AuthorityRole): Authority {
  const active = record.authorities.find((authority) => authority.role === role && authority.state === 'Active');
  if (active === undefined) throw new Error(`invariant broken: no active ${role} authority in the record of ${record.trustDomain}`);
  return active;
}

/** SHA-256 (hexadecimal) over the DER of the sorted roots: equal exactly when the trust anchors are. */
export function bundleSha256(record: AuthorityRecord): string {
  const hash = createHash('sha256');
  for (const root of rootsOf(record)) hash.update(root.certificate.der);
  return hash.digest('hex');
}

/** The JWT authority that signs; undefined when none does (yet). */
export function activeJwtAuthority(jwt: JwtAuthorities | undefined): JwtAuthority | undefined {
  return jwt?.keys.find(({ state }) => state === 'Active');
}
