import { activeJwtAuthority, type AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { JwtIssuer } from '../../issuance/index.ts';
import type { JwtSettings, TrustDomain } from '../../resources/index.ts';
import { jwtAuthorityReadyAtMs } from '../../rotation/index.ts';
import { issuerTaken } from './issuer-claim.ts';
import { jwtSettingsOf } from './settings.ts';

/** What a trust domain issues tokens with. */
export interface JwtDomain {
  readonly settings: JwtSettings;
  /** Undefined: nothing signs tokens now. */
  readonly issuer: JwtIssuer | undefined;
  /** Why, and until when; undefined when something does. */
  readonly problem: { readonly reason: string; readonly message: string } | undefined;
  /** The trust domain that the issuer belongs to instead; left out: it is its own. */
  readonly takenBy?: string;
}

/**
 * Opens the key that signs, unless that is open. Undefined where the trust domain issues no tokens.
 * @param takenBy the trust domain that its issuer belongs to instead
 */
export function openJwt(known: JwtDomain | undefined, object: TrustDomain, record: AuthorityRecord | undefined, takenBy: string | undefined): JwtDomain | undefined {
  const settings = jwtSettingsOf(object);
  if (settings === undefined) return undefined;
  if (takenBy !== undefined) return { settings, issuer: undefined, problem: issuerTaken(object, takenBy), takenBy };
  const active = activeJwtAuthority(record?.jwt);
  if (record === undefined || active === undefined) return { settings, issuer: undefined, problem: notYet(object, record) };
  const wanted = { trustDomain: record.trustDomain, issuer: settings.issuer, signerEpoch: record.signerEpoch };
  const open = known?.issuer;
  if (open?.keyIdentifier === active.keyIdentifier && open.settings.issuer === wanted.issuer && open.settings.signerEpoch === wanted.signerEpoch) return { settings, issuer: open, problem: undefined };
  try {
    return { settings, issuer: JwtIssuer.open(active, wanted), problem: undefined };
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return { settings, issuer: undefined, problem: { reason: error.entry.reason, message: error.message } };
  }
}

function notYet(object: TrustDomain, record: AuthorityRecord | undefined): NonNullable<JwtDomain['problem']> {
  if (record === undefined) return { reason: 'AuthorityMissing', message: `trust domain ${object.metadata.name} has no authority` };
  const readyAtMs = jwtAuthorityReadyAtMs(record.jwt, jwtSettingsOf(object)?.publishMs ?? 0);
  const when = readyAtMs === undefined ? 'soon' : `from ${new Date(readyAtMs).toISOString().slice(0, 19)}Z on`;
  return { reason: 'KeyBeingPublished', message: `the key that signs tokens is being published, so that every verifier has it before its first token: it signs ${when}` };
}
