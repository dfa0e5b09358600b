import { createHash } from 'node:crypto';
import { bundleSha256, finishedRotation, rootsOf, type Authority, type AuthorityRecord } from '../../authority/index.ts';
import type { CARotation, CARotationStatus } from '../../resources/index.ts';
import type { ReceiptAuthority, ReceiptBundle, ReceiptDocument, ReceiptGate } from '../../rotation/receipt/index.ts';

/**
 * What a rotation that has ended came to, out of its status and the record as it is now: undefined for one that never began.
 * Pure.
 */
export function receiptDocument(object: CARotation, record: AuthorityRecord): ReceiptDocument | undefined {
  const { metadata, spec, status } = object;
  if (status?.startedAt === undefined || (status.phase !== 'Complete' && status.phase !== 'Aborted')) return undefined;
  const gates = (status.gates ?? []).map(gateOf);
  return {
    rotation: {
      name: metadata.name,
      uid: metadata.uid,
      trustDomain: spec.trustDomain,
      what: spec.what,
      mode: spec.mode ?? 'Graceful',
      outcome: status.phase === 'Complete' ? 'Completed' : 'Aborted',
      startedAt: status.startedAt,
      endedAt: status.finishedAt ?? status.phases?.at(-1)?.startedAt ?? status.startedAt,
      ...emergencyOf(object, record),
    },
    authorities: authoritiesOf(object, record),
    bundles: bundlesOf(object, record),
    phases: (status.phases ?? []).map(({ phase, startedAt }) => ({ phase, startedAt })),
    gates,
    counts: countsOf(status),
    exemptions: exemptionsOf(spec),
    approvals: spec.approved ?? [],
  };
}

/** Which emergency put an end to it, or to which rotations it did as one. */
function emergencyOf({ metadata }: CARotation, record: AuthorityRecord): Pick<ReceiptDocument['rotation'], 'overtakenBy' | 'overtook'> {
  const { overtakenBy, overtook } = finishedRotation(record, metadata.uid) ?? {};
  return { ...(overtakenBy === undefined ? {} : { overtakenBy }), ...(overtook === undefined ? {} : { overtook: overtook.map(({ name }) => name) }) };
}

function countsOf({ reissued = 0, gates = [] }: CARotationStatus): ReceiptDocument['counts'] {
  return {
    reissued,
    targetsWritten: gates.find(({ name }) => name === 'Written')?.done ?? 0,
    stragglers: gates.reduce((sum, { stragglerCount = 0 }) => sum + stragglerCount, 0),
    exempted: Math.max(0, ...gates.map(({ exempted = 0 }) => exempted)),
  };
}

function exemptionsOf({ exemptions = [] }: CARotation['spec']): ReceiptDocument['exemptions'] {
  return exemptions.map(({ kind, namespace, name, reason, until }) => ({ object: `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`, reason, until }));
}

type GateStatus = NonNullable<CARotationStatus['gates']>[number];

function gateOf({ name, phase, state, evidence = [], done, total, since, stragglers = [] }: GateStatus): ReceiptGate {
  return {
    name,
    phase,
    state,
    evidence,
    done,
    total,
    ...(since === undefined ? {} : state === 'Passed' ? { passedAt: since } : { since }),
    ...(stragglers.length === 0 ? {} : { stragglers: stragglers.map(({ kind, namespace, name: straggler }) => `${kind} ${namespace === undefined ? '' : `${namespace}/`}${straggler}`) }),
  };
}

/** Everything in the record, and what left it in this rotation. */
function authoritiesOf({ metadata, spec, status }: CARotation, record: AuthorityRecord): readonly ReceiptAuthority[] {
  const from = spec.fromAuthority;
  // On the way back the two change places: who was to replace it is told by the status of both directions.
  const to = [status?.toAuthority, status?.fromAuthority].find((name) => name !== undefined && name !== from);
  const partOf = (name: string): ReceiptAuthority['part'] => (name === from ? 'from' : name === to ? 'to' : 'other');
  const known = record.authorities.map((authority) => authorityOf(authority, partOf(authority.keyIdentifier)));
  const names = new Set(known.map(({ keyIdentifier }) => keyIdentifier));
  const { goneSha256, goneBeside = {}, from: replaced, to: replacing, switchedAtMs } = finishedRotation(record, metadata.uid) ?? {};
  const gone = [...new Set([from, to, ...Object.keys(goneBeside)])].filter((name) => name !== undefined).filter((name) => !names.has(name));
  // What was dropped before the switch is the one that was to come.
  const noted = { ...goneBeside, ...(goneSha256 === undefined ? {} : { [(switchedAtMs === undefined ? replacing : replaced) ?? '']: goneSha256 }) };
  return [...gone.map((name) => ({ keyIdentifier: name, role: spec.what, part: partOf(name), state: 'Gone' as const, ...(noted[name] === undefined ? {} : { certificateSha256: noted[name] }) })), ...known];
}

function authorityOf({ keyIdentifier, role, state, certificate }: Authority, part: ReceiptAuthority['part']): ReceiptAuthority {
  return { keyIdentifier, certificateSha256: createHash('sha256').update(certificate.der).digest('hex'), role, part, state, notAfter: new Date(certificate.notAfterMs).toISOString() };
}

/** The bundle as it is now, and for a root the generations that led to it: with both roots, and before. */
function bundlesOf({ metadata, spec, status }: CARotation, record: AuthorityRecord): readonly ReceiptBundle[] {
  const ended = finishedRotation(record, metadata.uid);
  const now: ReceiptBundle = { generation: record.bundleGeneration, sha256: bundleSha256(record), roots: rootsOf(record).map(({ keyIdentifier }) => keyIdentifier) };
  // How the bundle of one that was overtaken changed is told by who took over; there roots may leave one after the other.
  if (spec.what !== 'Root' || record.bundleGeneration < 3 || ended?.overtakenBy !== undefined || ended?.goneBeside !== undefined) return [now];
  const both = [...new Set([...(now.roots ?? []), ...[status?.fromAuthority, status?.toAuthority, spec.fromAuthority].filter((name) => name !== undefined)])].sort();
  return [{ generation: record.bundleGeneration - 2 }, { generation: record.bundleGeneration - 1, roots: both }, now];
}
