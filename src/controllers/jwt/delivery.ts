import { createHash } from 'node:crypto';
import type { AuthorityRecord, SigningLease } from '../../authority/index.ts';
import { decideToken, type IssuancePolicy, type IssuedToken } from '../../issuance/index.ts';
import type { Condition, ResolvedIdentitySpec, Secret } from '../../resources/index.ts';
import { renewalTimeMs, tokenLifeMaxMs } from '../../rotation/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import type { DomainState } from '../domains.ts';

/**
 * Tokens as files of an identity's Secret. An annotation says what is there, so that nothing has to be read to know when they
 * are due. All of a Secret are made together, and end together.
 */

/** Annotation that says which tokens are in the Secret. */
export const tokensAnnotation = 'mtlsd.io/tokens';

/** What the annotation says. Times in milliseconds since the epoch. */
export interface DeliveredTokens {
  /** `kid` of the key that signed them. */
  readonly keyId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Digest of what was asked for. */
  readonly profile: string;
  /** SHA-256 of each file, hexadecimal. */
  readonly files: Readonly<Record<string, string>>;
}

/** The tokens of a Secret: files (text) and what is said of them; undefined: none. */
export interface TokenFiles {
  readonly delivered: DeliveredTokens;
  readonly files: Readonly<Record<string, string>>;
}

/** What decides which tokens an identity gets. */
export interface TokensQuestion {
  readonly identity: { readonly metadata: { readonly namespace?: string; readonly uid: string } };
  readonly resolved: Pick<ResolvedIdentitySpec, 'serviceAccountName' | 'tokens'>;
  readonly state: Pick<DomainState, 'jwt'> & { readonly policy: IssuancePolicy | undefined; readonly record: AuthorityRecord | undefined };
}

/** Why a Secret has to be written again for its tokens; undefined: it need not be, or there is nothing to sign with. */
export type TokensReason = 'the tokens that are asked for changed' | 'the tokens are renewed';

/** The file of a token. */
function tokenFileName(name: string): string {
  return `${name}.jwt`;
}

/** What the annotation of a Secret says. One that somebody edited says nothing: then the tokens are made anew. */
export function deliveredTokens(secret: { readonly metadata: SecretMetadata['metadata'] }): DeliveredTokens | undefined {
  try {
    const { keyId, issuedAt, expiresAt, profile, files } = JSON.parse(secret.metadata.annotations?.[tokensAnnotation] ?? '{}') as Readonly<Record<string, unknown>>;
    const [issuedAtMs, expiresAtMs] = [issuedAt, expiresAt].map((text) => Date.parse(String(text)));
    if (typeof keyId !== 'string' || typeof profile !== 'string' || typeof files !== 'object' || files === null) return undefined;
    if (issuedAtMs === undefined || expiresAtMs === undefined || Number.isNaN(issuedAtMs) || Number.isNaN(expiresAtMs)) return undefined;
    return { keyId, issuedAtMs, expiresAtMs, profile, files: files as Readonly<Record<string, string>> };
  } catch {
    return undefined;
  }
}

/** The annotation for these tokens; none without one. */
export function tokensAnnotationOf(tokens: TokenFiles | undefined): Record<string, string> {
  if (tokens === undefined) return {};
  const { keyId, issuedAtMs, expiresAtMs, profile, files } = tokens.delivered;
  return { [tokensAnnotation]: JSON.stringify({ keyId, issuedAt: new Date(issuedAtMs).toISOString(), expiresAt: new Date(expiresAtMs).toISOString(), profile, files }) };
}

/** See `TokensReason`. */
export function tokensReason(secret: SecretMetadata, question: TokensQuestion, nowMs: number): TokensReason | undefined {
  const { resolved, state } = question;
  if (resolved.tokens.length === 0) return secret.metadata.annotations?.[tokensAnnotation] === undefined ? undefined : 'the tokens that are asked for changed';
  if (state.jwt?.issuer === undefined) return undefined;
  const delivered = deliveredTokens(secret);
  if (delivered?.profile !== profileOf(question)) return 'the tokens that are asked for changed';
  const isVerifiable = state.record?.jwt?.keys.some(({ keyIdentifier }) => keyIdentifier === delivered.keyId) === true;
  // Made while the clock was ahead: those who take them refuse them until then.
  return isVerifiable && delivered.issuedAtMs <= nowMs && nowMs < dueAtMs(delivered, question) ? undefined : 'the tokens are renewed';
}

/** When the tokens of a Secret are to be renewed, milliseconds since the epoch; undefined when there are none, or nothing to sign with. */
export function tokensDueAtMs(secret: SecretMetadata | undefined, question: TokensQuestion): number | undefined {
  const delivered = secret === undefined || question.resolved.tokens.length === 0 || question.state.jwt?.issuer === undefined ? undefined : deliveredTokens(secret);
  return delivered === undefined ? undefined : dueAtMs(delivered, question);
}

/** When the tokens of a Secret end, milliseconds since the epoch; undefined when none lives: a reminder, so that the condition turns then. */
export function tokensEndMs(secret: SecretMetadata | undefined, nowMs: number): number | undefined {
  const endMs = secret === undefined ? undefined : deliveredTokens(secret)?.expiresAtMs;
  return endMs === undefined || endMs <= nowMs ? undefined : endMs;
}

/** What signing takes. */
export interface TokenTools {
  readonly lease: SigningLease;
  readonly nowMs: number;
  /** 128 random bits. */
  readonly nextTokenId: () => Uint8Array;
  /** Called with each token that was signed, before anything else becomes of it. */
  readonly onIssued: (token: IssuedToken) => void;
}

/** Signs the tokens that are asked for; undefined: none are, or nothing signs now. @throws ISSUANCE_LEASE_LOST */
export function issueTokens(question: TokensQuestion, { lease, nowMs, nextTokenId, onIssued }: TokenTools): TokenFiles | undefined {
  const { identity, resolved, state } = question;
  const issuer = state.jwt?.issuer;
  if (issuer === undefined || state.policy === undefined || resolved.tokens.length === 0) return undefined;
  const subject = { kind: 'service-account', namespace: identity.metadata.namespace ?? '', serviceAccountName: resolved.serviceAccountName } as const;
  const files: Record<string, string> = {};
  let expiresAtMs = nowMs;
  for (const { name, audience } of resolved.tokens) {
    const decision = decideToken({ subject, audience: [audience], ttlMs: undefined }, { ...state.policy, ttlMs: ttlMsOf(question) });
    // Schema and policy of certificates have been asked before.
    if (!decision.granted) throw new Error(`invariant broken: a token that may be asked for is not granted (${decision.denials.map(({ message }) => message).join('; ')})`);
    const token = issuer.issue(decision.grant, nextTokenId(), lease, nowMs);
    onIssued(token);
    files[tokenFileName(name)] = token.token;
    ({ expiresAtMs } = token);
  }
  const digests = Object.fromEntries(Object.entries(files).map(([name, token]) => [name, sha256(token)]));
  return { delivered: { keyId: issuer.keyIdentifier, issuedAtMs: nowMs, expiresAtMs, profile: profileOf(question), files: digests }, files };
}

/** The tokens that a Secret has and that are still of use: while nothing signs, they stay until they end. */
export function tokensThatStay(secret: Secret | undefined, { resolved }: Pick<TokensQuestion, 'resolved'>, nowMs: number): TokenFiles | undefined {
  const delivered = secret === undefined ? undefined : deliveredTokens(secret);
  if (secret === undefined || delivered === undefined || delivered.expiresAtMs <= nowMs) return undefined;
  const wanted = new Set(resolved.tokens.map(({ name }) => tokenFileName(name)));
  const files = Object.fromEntries(
    Object.entries(delivered.files).flatMap(([name, digest]) => {
      const token = Buffer.from(secret.data[name] ?? '', 'base64').toString('utf8');
      return wanted.has(name) && sha256(token) === digest ? [[name, token]] : [];
    }),
  );
  const kept = Object.fromEntries(Object.entries(delivered.files).filter(([name]) => files[name] !== undefined));
  return Object.keys(files).length === 0 ? undefined : { delivered: { ...delivered, files: kept }, files };
}

/** Tokens: whether every one that is asked for is in the Secret; undefined when none is asked for. */
export function tokensCondition(secret: SecretMetadata | undefined, wanted: ResolvedIdentitySpec['tokens'], domain: Pick<DomainState, 'jwt' | 'object'> | undefined, nowMs: number): Omit<Condition, 'lastTransitionTime' | 'observedGeneration'> | undefined {
  if (wanted.length === 0) return undefined;
  const failed = (reason: string, message: string) => ({ type: 'Tokens', status: 'False' as const, reason, message });
  if (domain !== undefined && domain.jwt === undefined) return failed('JWTOff', `trust domain ${domain.object.metadata.name} issues no JWT-SVIDs: set spec.jwt of the TrustDomain, or take spec.jwt out here`);
  if (domain?.jwt?.problem !== undefined) return failed(domain.jwt.problem.reason, domain.jwt.problem.message);
  const delivered = secret === undefined ? undefined : deliveredTokens(secret);
  const names = wanted.map(({ name }) => tokenFileName(name));
  if (delivered === undefined || names.some((name) => delivered.files[name] === undefined)) return failed('Pending', `${names.join(', ')}: not written yet`);
  if (delivered.expiresAtMs <= nowMs) return failed('Expired', `the tokens in Secret ${secret?.metadata.name ?? ''} have ended: the condition Issued says what keeps them from being renewed`);
  return { type: 'Tokens', status: 'True', reason: 'Delivered', message: `${names.join(', ')} in Secret ${secret?.metadata.name ?? ''}` };
}

/** As long as the trust domain says, and as long as a changed Secret takes to be seen: the floor of certificates is for that. */
function ttlMsOf({ state }: TokensQuestion): number {
  return Math.min(tokenLifeMaxMs, Math.max(state.jwt?.settings.ttlMs ?? 0, state.policy?.minTtlMs ?? 0));
}

function dueAtMs({ issuedAtMs, expiresAtMs }: DeliveredTokens, { identity }: TokensQuestion): number {
  return renewalTimeMs({ issuedAtMs, notAfterMs: expiresAtMs }, identity.metadata.uid);
}

/** A digest of everything that decides what the tokens say. */
function profileOf(question: TokensQuestion): string {
  const { identity, resolved, state } = question;
  const facts = [state.policy?.trustDomain, state.policy?.pathTemplate, identity.metadata.namespace, resolved.serviceAccountName, resolved.tokens.map(({ name, audience }) => [name, audience]), ttlMsOf(question), state.jwt?.settings.issuer ?? ''];
  return sha256(JSON.stringify(facts)).slice(0, 32);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
