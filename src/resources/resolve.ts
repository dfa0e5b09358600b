import { withDefaults } from './defaults.ts';
import { parseDuration } from './duration.ts';
import type { TrustDomain, TrustDomainSpec } from './generated/trust-domain.ts';
import type { WorkloadIdentity, WorkloadIdentitySpec } from './generated/workload-identity.ts';
import { specSchema } from './kinds.ts';

/** Kinds of key that an identity can have. */
export type KeyAlgorithm = NonNullable<WorkloadIdentitySpec['keyAlgorithm']>;

/** Kinds of key that an authority can have. */
export type AuthorityKeyAlgorithm = NonNullable<NonNullable<TrustDomainSpec['rootAuthority']>['keyAlgorithm']>;

/** What becomes of a Secret when its identity is deleted. */
export type DeletionPolicy = NonNullable<WorkloadIdentitySpec['deletionPolicy']>;

/** Where the password of a keystore is: in a Secret of the identity's namespace, or in a file below the folder of manifests. */
export type PasswordReference = { readonly secret: string; readonly key: string } | { readonly file: string };

/** The keystore and trust store that an identity asks for. */
export interface KeystoreSettings {
  readonly password: PasswordReference;
  readonly profile: 'Modern' | 'Compatible';
  readonly alias: string;
  /** What the aliases of roots start with. */
  readonly trustAlias: string;
}

/** How the next authority of a role is made. */
export interface AuthoritySettings {
  readonly keyAlgorithm: AuthorityKeyAlgorithm;
  readonly lifetimeMs: number;
}

/** A TrustDomain's spec with every default in its place and durations in milliseconds. */
export interface ResolvedTrustDomainSpec {
  readonly rootAuthority: AuthoritySettings;
  readonly issuingAuthority: AuthoritySettings;
  readonly svid: { readonly ttlMs: number; readonly maxTtlMs: number; readonly backdateMs: number };
  readonly pathTemplate: string;
  readonly allowedDnsPatterns: readonly string[];
  readonly isDefault: boolean;
  /** undefined: it issues no JWT-SVIDs. */
  readonly jwt: JwtSettings | undefined;
}

/** How a trust domain issues JWT-SVIDs. */
export interface JwtSettings {
  /** `iss`; undefined: tokens have none. */
  readonly issuer: string | undefined;
  readonly algorithm: 'ES256' | 'RS256';
  readonly ttlMs: number;
  /** How long a key signs. */
  readonly keyLifetimeMs: number;
}

/** A token that is delivered as a file. */
export type TokenAudience = NonNullable<WorkloadIdentitySpec['jwt']>['audiences'][number];

/** A WorkloadIdentity's spec with every default in its place, but for what its trust domain decides. */
export interface ResolvedIdentitySpec {
  readonly serviceAccountName: string;
  /** In the order of the manifest, each once. */
  readonly dnsNames: readonly string[];
  readonly commonName: string | undefined;
  /** undefined: the trust domain's `svid.ttl`. */
  readonly ttlMs: number | undefined;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly secretName: string;
  /** Whether DER files are written too. */
  readonly der: boolean;
  /** undefined: no keystore is written. */
  readonly keystore: KeystoreSettings | undefined;
  /** Trust domains of others whose roots it gets, in the order of names. */
  readonly federatesWith: readonly string[];
  /** For whom it gets tokens, in the order of names. */
  readonly tokens: readonly TokenAudience[];
  readonly secretLabels: Readonly<Record<string, string>>;
  readonly secretAnnotations: Readonly<Record<string, string>>;
  readonly deletionPolicy: DeletionPolicy;
}

/** Certificates start this long before they are made, so that a verifier whose clock is behind takes them. */
const backdateMs = 60_000;

/** What defaulting leaves no gap in. */
type Filled<T, K extends keyof T> = { readonly [P in K]-?: Required<NonNullable<T[P]>> };
type FilledTrustDomainSpec = Filled<TrustDomainSpec, 'rootAuthority' | 'issuingAuthority' | 'svid' | 'dnsNames' | 'pathTemplate'> & Pick<TrustDomainSpec, 'jwt'>;
type JwtSpec = NonNullable<TrustDomainSpec['jwt']>;
type FilledJwt = JwtSpec & Required<Omit<JwtSpec, 'issuer'>>;
type FilledIdentitySpec = WorkloadIdentitySpec & Required<Pick<WorkloadIdentitySpec, 'keyAlgorithm' | 'deletionPolicy'>>;

/** @throws MtlsdError `DURATION_INVALID` for an object that was never validated */
export function resolvedTrustDomainSpec(trustDomain: TrustDomain): ResolvedTrustDomainSpec {
  const spec = withDefaults(specSchema('TrustDomain'), trustDomain.spec) as FilledTrustDomainSpec;
  const authority = (settings: { readonly keyAlgorithm: AuthorityKeyAlgorithm; readonly lifetime: string }): AuthoritySettings => ({
    keyAlgorithm: settings.keyAlgorithm,
    lifetimeMs: parseDuration(settings.lifetime),
  });
  return {
    rootAuthority: authority(spec.rootAuthority),
    issuingAuthority: authority(spec.issuingAuthority),
    svid: { ttlMs: parseDuration(spec.svid.ttl), maxTtlMs: parseDuration(spec.svid.maxTTL), backdateMs },
    pathTemplate: spec.pathTemplate,
    allowedDnsPatterns: spec.dnsNames.allowedPatterns,
    isDefault: trustDomain.spec.default ?? false,
    jwt: spec.jwt && jwtSettings(spec.jwt as FilledJwt),
  };
}

function jwtSettings({ issuer, algorithm, ttl, keyLifetime }: FilledJwt): JwtSettings {
  return { issuer, algorithm, ttlMs: parseDuration(ttl), keyLifetimeMs: parseDuration(keyLifetime) };
}

/** @throws MtlsdError `DURATION_INVALID` for an object that was never validated */
export function resolvedIdentitySpec(identity: WorkloadIdentity): ResolvedIdentitySpec {
  const spec = withDefaults(specSchema('WorkloadIdentity'), identity.spec) as FilledIdentitySpec;
  return {
    serviceAccountName: spec.serviceAccountName ?? identity.metadata.name,
    dnsNames: [...new Set(spec.dnsNames)],
    commonName: spec.commonName,
    ttlMs: spec.ttl === undefined ? undefined : parseDuration(spec.ttl),
    keyAlgorithm: spec.keyAlgorithm,
    secretName: spec.secretName ?? `${identity.metadata.name}-mtls`,
    der: spec.formats?.der ?? false,
    keystore: keystoreSettings(spec, identity.metadata.name),
    federatesWith: [...(spec.federatesWith ?? [])].sort(),
    tokens: (spec.jwt?.audiences ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    secretLabels: spec.secretTemplate?.labels ?? {},
    secretAnnotations: spec.secretTemplate?.annotations ?? {},
    deletionPolicy: spec.deletionPolicy,
  };
}

/** Defaults of the schema are in their place already. */
function keystoreSettings(spec: WorkloadIdentitySpec, name: string): KeystoreSettings | undefined {
  const wanted = spec.formats?.pkcs12;
  if (wanted === undefined) return undefined;
  const { passwordSecretRef: secret, passwordFile: file = '', profile = 'Modern', alias = name, trustAlias = 'root' } = wanted;
  return { password: secret === undefined ? { file } : { secret: secret.name, key: secret.key ?? 'password' }, profile, alias, trustAlias };
}
