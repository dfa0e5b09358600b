import type { IssuedSvid } from '../../issuance/index.ts';
import type { Condition, PodCertificateRequest } from '../../resources/index.ts';

type Status = NonNullable<PodCertificateRequest['status']>;

/** Whether somebody has answered the request: Issued, Denied and Failed are final. */
export function isDecided({ status }: PodCertificateRequest): boolean {
  return (status?.conditions?.length ?? 0) > 0;
}

/** The status that delivers a certificate. Times in milliseconds since the epoch, whole seconds. */
export function issuedStatus(svid: IssuedSvid, beginRefreshAtMs: number, nowMs: number): Status {
  return {
    conditions: [condition('Issued', 'Issued', `${svid.spiffeId}, issued by authority ${svid.issuer}`, nowMs)],
    certificateChain: svid.chainPem,
    notBefore: timestamp(svid.notBeforeMs),
    notAfter: timestamp(svid.notAfterMs),
    beginRefreshAt: timestamp(beginRefreshAtMs),
  };
}

/** The status that refuses for good. */
export function deniedStatus(reason: string, message: string, nowMs: number): Status {
  return { conditions: [condition('Denied', reason, message, nowMs)] };
}

function condition(type: string, reason: string, message: string, nowMs: number): Condition {
  return { type, status: 'True', reason, message, lastTransitionTime: timestamp(nowMs) };
}

function timestamp(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
