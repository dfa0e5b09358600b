import { latestNotAfterMs, rootBehind, type AuthorityRecord } from '../../authority/index.ts';
import { isBelowOld } from './gates/reissued.ts';
import type { RecordView } from './types.ts';

/** What a plan looks at of an authority record. No key goes along. */
export function recordView(record: AuthorityRecord): RecordView {
  const { signerEpoch, bundleGeneration, authorities, rotation, lastRotation } = record;
  return {
    signerEpoch,
    bundleGeneration,
    rotation,
    lastRotation,
    authorities: authorities.map((authority) => ({
      keyIdentifier: authority.keyIdentifier,
      role: authority.role,
      state: authority.state,
      root: rootBehind(authority),
      notBeforeMs: authority.certificate.notBeforeMs,
      notAfterMs: authority.certificate.notAfterMs,
      hasKey: authority.privateKeyPem !== undefined,
      reservedUntilMs: latestNotAfterMs(authority),
      distrustAtMs: authority.distrustAtMs,
    })),
  };
}

/** Whether a leaf of this issuer is to be replaced, because a rotation has switched to another authority. */
export function isRotatedAway(issuer: string, record: AuthorityRecord): boolean {
  const { rotation } = record;
  return rotation?.switchedAtMs !== undefined && isBelowOld({ issuer }, recordView(record), rotation);
}
