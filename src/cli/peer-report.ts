import { certificateProblems, chainReports, severalLeavesProblem } from './certificate-report.ts';
import { counted, type InspectReport, isSound } from './inspect-report.ts';
import type { Peer } from './source.ts';

/** What a server presented in its handshake, at `nowMs`, and what is wrong with it. */
export function inspectPeer({ presented, certificates }: Peer, nowMs: number): InspectReport {
  const { address, protocol, cipher, asksForCertificate, gaveCertificate, brokenOff } = presented;
  const reports = chainReports(certificates, nowMs);
  const severalLeaves = severalLeavesProblem(reports.map((report) => report.role));
  const problems = [...certificateProblems(reports), ...(severalLeaves === undefined ? [] : [severalLeaves])];
  const handshake = { protocol, cipher, serverName: address.serverName, asksForCertificate, gaveCertificate, ...(brokenOff === undefined ? {} : { brokenOff }) };
  return {
    file: address.url,
    what: `a server that presents a chain of ${counted(reports.length, 'certificate')} (${protocol})`,
    handshake,
    certificates: reports,
    requests: [],
    privateKeys: [],
    problems,
    sound: isSound(problems, reports),
  };
}
