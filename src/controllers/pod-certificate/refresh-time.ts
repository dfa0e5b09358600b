import { renewalTimeMs } from '../../rotation/index.ts';

/** The API server takes no refresh time nearer than this to either end of a certificate. */
const marginMs = 600_000;

/** A pod certificate's times, milliseconds since the epoch. */
export interface CertificateLife {
  readonly issuedAtMs: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * When kubelet is asked to begin a refresh: at half of life with the usual spread by the pod's UID, or as early as the API
 * server takes it while another authority comes: nobody can push a pod certificate, so each must have been fetched anew
 * before the old authority can go. Whole seconds.
 */
export function beginRefreshAtMs(life: CertificateLife, podUid: string, asEarlyAsPossible: boolean): number {
  const earliestMs = life.notBeforeMs + marginMs;
  const wantedMs = asEarlyAsPossible ? earliestMs : renewalTimeMs(life, podUid);
  return Math.floor(Math.max(earliestMs, Math.min(wantedMs, life.notAfterMs - marginMs)) / 1000) * 1000;
}
