import { MtlsdError } from '../../errors/index.ts';
import type { CARotation, TrustDomain } from '../../resources/index.ts';
import type { OutlookObject } from './around.ts';
import { hasEnded } from '../overview/rotation-row.ts';

/** What an emergency is about. */
export interface StolenRoot {
  /** Key identifier of the root that was stolen, as the CARotation names it. */
  readonly fromAuthority: string;
  /** Key identifiers of the roots that nobody trusts in the end. */
  readonly distrusts: readonly string[];
  /** Whether the root that signs now stays: it replaces the stolen one already. Otherwise another is made. */
  readonly keepsActive: boolean;
}

/**
 * The root that was stolen, by the beginning of its key identifier, as the status of the trust domain has it; the one that
 * signs when none is named: then every root but a new one is distrusted, which is right whichever was stolen.
 * @throws ROTATION_NOT_POSSIBLE when it is not known which root is meant, or nothing was signed below it
 */
export function stolenRoot(trustDomain: string, object: TrustDomain | undefined, named: string | undefined): StolenRoot {
  const roots = (object?.status?.authorities ?? []).filter(({ role }) => role === 'Root');
  const active = roots.find(({ state }) => state === 'Active');
  const refused = (why: string): MtlsdError<'ROTATION_NOT_POSSIBLE'> => new MtlsdError('ROTATION_NOT_POSSIBLE', why, { details: { trustDomain } });
  if (active === undefined) throw refused(`the status of TrustDomain ${trustDomain} names no active root authority: is mtlsd running?`);
  const meant = named === undefined ? [active] : roots.filter(({ keyIdentifier }) => keyIdentifier.startsWith(named.toLowerCase()));
  const [stolen, ...more] = meant;
  if (stolen === undefined || more.length > 0) {
    throw refused(`--stolen ${named ?? ''} names ${stolen === undefined ? 'no root' : 'several roots'} of ${trustDomain}; there is ${roots.map(({ keyIdentifier, state }) => `${keyIdentifier} (${state.toLowerCase()})`).join(', ')}`);
  }
  if (stolen.state === 'Prepared') throw refused(`root ${stolen.keyIdentifier} of ${trustDomain} is only prepared, and nothing was signed below it: give its rotation up (mtlsd rotate abort), and it is dropped at once`);
  const keepsActive = stolen !== active;
  const distrusts = roots.filter(({ state }) => !keepsActive || state !== 'Active').map(({ keyIdentifier }) => keyIdentifier);
  return { fromAuthority: stolen.keyIdentifier, distrusts, keepsActive };
}

/** The rotations of the trust domain that an emergency puts an end to. */
export function overtakenRotations(rotations: readonly CARotation[], trustDomain: string, keepsActive: boolean): readonly OutlookObject[] {
  const underWay = rotations.filter(({ spec, status, ...rest }) => spec.trustDomain === trustDomain && status?.startedAt !== undefined && !hasEnded({ spec, status, ...rest }));
  return underWay.map(({ metadata, spec, status }) => ({ object: `CARotation ${metadata.name}`, why: `ends in its phase ${status?.phase ?? ''}: ${leftOf(spec, status, keepsActive)}` }));
}

function leftOf({ what }: CARotation['spec'], status: CARotation['status'], keepsActive: boolean): string {
  if (status?.switchedAt === undefined) return `the ${what === 'Root' ? 'root' : 'issuing authority'} that it prepared is dropped`;
  if (keepsActive) return 'what it replaced goes at the time of distrust, whoever is late';
  return what === 'Root' ? 'the root that it switched to is distrusted as well' : 'the issuing authority that it switched to goes with its root';
}
