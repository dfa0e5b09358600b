import { backdateMs } from '../../authority/index.ts';
import { resolvedRotationSettings, resolvedTrustDomainSpec, type TrustDomain, type WorkloadIdentity } from '../../resources/index.ts';
import { lateReaders, pullingPods, type Around, type OutlookObject } from './around.ts';
import type { DrillFigures } from './drill.ts';
import { hasEnded } from '../overview/rotation-row.ts';
import type { Sight } from '../overview/sight.ts';
import { overtakenRotations, type StolenRoot } from './stolen-root.ts';
import { isTrue, trustDomainRow } from '../overview/trust-domain-row.ts';

/** What is to be looked ahead at. */
export interface OutlookRequest {
  readonly trustDomain: string;
  readonly what: 'Root' | 'Issuing';
  readonly mode: 'Graceful' | 'Emergency';
  readonly distrustAfterMs: number;
  readonly pacePerSecond: number;
  /** What a change costs until consumers see it where nobody said otherwise: kubelet's bound in a cluster, nothing in a folder. */
  readonly propagationDefaultMs: number;
  /** Who reads what is delivered; left out where there are no pods. */
  readonly around?: Around;
  /** For an emergency: what it is about. */
  readonly stolen?: StolenRoot;
  /** What a drill measured; without it, writes and keys cost what is assumed of any place. */
  readonly drill?: DrillFigures;
}

/** A part of the time that a rotation takes at least. */
export interface OutlookStep {
  readonly phase: string;
  readonly seconds: number;
  readonly why: string;
  /** What it rests on: a measurement of a moment ago, a bound that somebody set, or what is assumed of any place. */
  readonly evidence: 'measured' | 'bounded' | 'assumed';
}

/** What a rotation would do, by what is there now: nothing is written to find it out. */
export interface Outlook {
  readonly trustDomain: string;
  readonly what: 'Root' | 'Issuing';
  readonly mode: 'Graceful' | 'Emergency';
  /** Key identifier of the authority that would be replaced. */
  readonly fromAuthority: string | undefined;
  /** Why it cannot begin; none: it can. */
  readonly obstacles: readonly string[];
  readonly reissued: number;
  /** Writes of each kind: bundles to identities and to other targets, certificates, status. */
  readonly writes: { readonly bundles: number; readonly certificates: number; readonly statuses: number };
  readonly steps: readonly OutlookStep[];
  readonly seconds: number;
  readonly stragglers: readonly OutlookObject[];
  /** For an emergency: whose peers refuse them, from when on, unless they load what is delivered before. */
  readonly breaks: readonly OutlookObject[];
  /** For an emergency: key identifiers of the roots that it distrusts, and the rotations that it puts an end to. */
  readonly distrusts?: readonly string[];
  readonly givesUp?: readonly OutlookObject[];
  /** For an emergency: how long after the switch somebody may still be without the new bundle, and refuse who has a new certificate. */
  readonly unsettledSeconds?: number;
  /** For an emergency: what comes after the time of distrust until nobody trusts the old root any more. */
  readonly withdrawal?: readonly OutlookStep[];
  readonly drill?: DrillFigures;
}

/** Writes a second that any store takes beside its other work. */
const assumedWritesPerSecond = 200;
/** Making keys, a canary and a change of the record. */
const assumedChangeSeconds = 2;

/** Looks ahead. Pure. The time is what bounds and pace ask for at least: stragglers and approvals come on top. */
export function rotationOutlook(sight: Sight, request: OutlookRequest, nowMs: number): Outlook {
  const { trustDomain, what, mode } = request;
  const object = sight.trustDomains.find(({ metadata }) => metadata.name === trustDomain);
  const identities = sight.identities.filter(({ status }) => status?.trustDomain === trustDomain);
  const issued = identities.filter(({ status }) => status?.notAfter !== undefined);
  const targets = targetsOf(object);
  // A root goes into every bundle and out again at the end; an issuing authority changes none.
  const bundleWrites = what === 'Root' ? (request.stolen?.keepsActive === true ? 1 : 2) * (issued.length + targets) : 0;
  const bounds = boundsOf(object, issued, request);
  const load = loadOf(issued.length, targets, request);
  const steps = what === 'Issuing' ? issuingSteps(load, bounds) : mode === 'Emergency' ? emergencySteps(load, request) : rootSteps(load, bounds);
  return {
    trustDomain,
    what,
    mode,
    fromAuthority: request.stolen?.fromAuthority ?? object?.status?.authorities?.find(({ role, state }) => role === what && state === 'Active')?.keyIdentifier,
    obstacles: obstaclesOf(object, sight, request),
    reissued: issued.length,
    writes: { bundles: bundleWrites, certificates: issued.length, statuses: bundleWrites + issued.length },
    steps,
    seconds: steps.reduce((sum, { seconds }) => sum + seconds, 0),
    stragglers: [...stragglersOf(object, identities, nowMs), ...(mode === 'Graceful' && what === 'Root' ? lateReaders(trustDomain, identities, request.around) : [])],
    breaks: [],
    ...(mode === 'Emergency' ? emergencyOf(sight, identities, load, bounds, request) : {}),
  };
}

/** Places of the bundle besides identities. */
function targetsOf(object: TrustDomain | undefined): number {
  const targets = object?.status?.targets;
  return targets === undefined ? 0 : targets.written + targets.stale + (targets.failing?.length ?? 0);
}

/** What there is to do, and how fast. */
interface Load {
  readonly issued: number;
  readonly places: number;
  readonly reissueSeconds: number;
  readonly bundlesSeconds: number;
  readonly changeSeconds: number;
  readonly evidence: 'measured' | 'assumed';
  readonly pacePerSecond: number;
}

function loadOf(issued: number, targets: number, { drill, pacePerSecond }: OutlookRequest): Load {
  const writing = drill === undefined || 'unmeasured' in drill.writing ? undefined : drill.writing;
  const writesPerSecond = writing?.writesPerSecond ?? assumedWritesPerSecond;
  const places = issued + targets;
  // Each certificate is a Secret and a status.
  const pace = Math.min(pacePerSecond, drill?.signaturesPerSecond ?? Infinity, writing === undefined ? Infinity : writing.writesPerSecond / 2);
  return {
    issued,
    places,
    reissueSeconds: Math.ceil(issued / pace),
    bundlesSeconds: Math.ceil(places / writesPerSecond),
    changeSeconds: drill === undefined || writing === undefined ? assumedChangeSeconds : Math.ceil(drill.authoritiesSeconds + writing.seenSeconds),
    evidence: writing === undefined ? 'assumed' : 'measured',
    pacePerSecond,
  };
}

interface Bounds {
  readonly propagationMs: number;
  readonly reloadMs: number;
  /** Whether the user promised it; else it is the longest life of an identity. */
  readonly promised: boolean;
  readonly longestTtlMs: number;
}

function boundsOf(object: TrustDomain | undefined, issued: readonly WorkloadIdentity[], { propagationDefaultMs }: OutlookRequest): Bounds {
  const lifeMs = ({ status }: WorkloadIdentity): number => Date.parse(status?.notAfter ?? '') - Date.parse(status?.notBefore ?? '') - backdateMs;
  // Not as arguments of one call: a hundred thousand of those are too many.
  const longestTtlMs = issued.reduce((longest, identity) => Math.max(longest, lifeMs(identity)), object === undefined ? 0 : resolvedTrustDomainSpec(object).svid.ttlMs);
  const settings = object === undefined ? undefined : resolvedRotationSettings(object);
  return {
    propagationMs: settings?.propagationBoundMs ?? propagationDefaultMs,
    reloadMs: settings?.consumerReloadMs ?? longestTtlMs,
    promised: settings?.consumerReloadMs !== undefined,
    longestTtlMs,
  };
}

const whole = (ms: number): number => Math.ceil(ms / 1000);

function rootSteps({ issued, places, reissueSeconds, bundlesSeconds, changeSeconds, evidence, pacePerSecond }: Load, bounds: Bounds): readonly OutlookStep[] {
  const { propagationMs, reloadMs, promised, longestTtlMs } = bounds;
  return [
    { phase: 'Distribute', seconds: changeSeconds + bundlesSeconds, evidence, why: `the new root is made, and written to ${places} places` },
    ...confirmSteps(bounds),
    { phase: 'Canary', seconds: assumedChangeSeconds, evidence: 'assumed', why: 'handshakes with old and new certificates, both ways' },
    { phase: 'Reissue', seconds: reissueSeconds, evidence, why: `${issued} identities, ${pacePerSecond} a second` },
    { phase: 'Drain', seconds: whole(promised ? propagationMs + reloadMs : longestTtlMs), evidence: 'bounded', why: promised ? 'until consumers have loaded their new certificates' : 'until the last certificate of the old root has ended' },
    { phase: 'Retire', seconds: changeSeconds + bundlesSeconds, evidence, why: `the old root and its key go, and the bundle is written to ${places} places` },
  ];
}

function confirmSteps({ propagationMs, reloadMs, promised }: Bounds): readonly OutlookStep[] {
  return [
    { phase: 'Confirm', seconds: whole(propagationMs), evidence: 'bounded', why: 'until consumers see it: rotation.propagationBound' },
    { phase: 'Confirm', seconds: whole(reloadMs), evidence: 'bounded', why: `until consumers have loaded it: ${promised ? 'rotation.consumerReload' : 'the longest life of an identity, since rotation.consumerReload is not set'}` },
  ];
}

function emergencySteps({ issued, places, reissueSeconds, bundlesSeconds, changeSeconds, evidence, pacePerSecond }: Load, { distrustAfterMs, stolen }: OutlookRequest): readonly OutlookStep[] {
  const wanted = whole(distrustAfterMs);
  const reissue = reissueSeconds + bundlesSeconds;
  return [
    { phase: 'Switch', seconds: changeSeconds, evidence, why: stolen?.keepsActive === true ? 'the new root signs already; the key of the old one goes' : 'the new root signs at once; the key of the old one goes' },
    { phase: 'Reissue', seconds: Math.min(reissue, wanted), evidence, why: `${issued} identities, ${pacePerSecond} a second, and ${places} bundles beside` },
    { phase: 'Drain', seconds: Math.max(0, wanted - reissue), evidence: 'bounded', why: `until the time of distrust, ${wanted} s after the switch` },
  ];
}

/** Who breaks in an emergency, and how long the old root is trusted by somebody after the time of distrust. */
function emergencyOf({ rotations }: Sight, identities: readonly WorkloadIdentity[], load: Load, bounds: Bounds, request: OutlookRequest): Pick<Outlook, 'breaks' | 'distrusts' | 'givesUp' | 'unsettledSeconds' | 'withdrawal' | 'drill'> {
  const reissueSeconds = load.reissueSeconds + load.bundlesSeconds;
  const { trustDomain, around, drill, distrustAfterMs, stolen } = request;
  const from = `refused, and refuses, from ${whole(distrustAfterMs)} s after the switch on`;
  const readers = [...lateReaders(trustDomain, identities, around), ...pullingPods(trustDomain, around)];
  return {
    breaks: [...readers.map(({ object, why }) => ({ object, why: 'unknown' in (around ?? {}) ? why : `${from}: ${why}` })), ...breaksOf(identities, reissueSeconds, bounds, request)],
    ...(stolen === undefined ? {} : { distrusts: stolen.distrusts }),
    givesUp: overtakenRotations(rotations, trustDomain, stolen?.keepsActive === true),
    unsettledSeconds: load.bundlesSeconds + whole(bounds.propagationMs + bounds.reloadMs),
    withdrawal: [{ phase: 'Retire', seconds: load.bundlesSeconds, evidence: load.evidence, why: `the old root is taken out of ${load.places} bundles` }, ...confirmSteps(bounds)],
    ...(drill === undefined ? {} : { drill }),
  };
}

function issuingSteps({ issued, reissueSeconds, evidence, pacePerSecond }: Load, { propagationMs, reloadMs, promised, longestTtlMs }: Bounds): readonly OutlookStep[] {
  return [
    { phase: 'Canary', seconds: 2 * assumedChangeSeconds, evidence: 'assumed', why: 'the new issuing authority is made, and shakes hands' },
    { phase: 'Reissue', seconds: reissueSeconds, evidence, why: `${issued} identities, ${pacePerSecond} a second; bundles do not change` },
    { phase: 'Drain', seconds: whole(promised ? propagationMs + reloadMs : longestTtlMs), evidence: 'bounded', why: promised ? 'until consumers have loaded their new certificates' : 'until the last certificate of the old issuing authority has ended' },
  ];
}

function obstaclesOf(object: TrustDomain | undefined, { rotations }: Sight, { trustDomain, mode }: OutlookRequest): readonly string[] {
  if (object === undefined) return [`there is no TrustDomain ${trustDomain}`];
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  // An emergency waits for nobody.
  const rivals = mode === 'Emergency' ? [] : rotations.filter((rotation) => rotation.spec.trustDomain === trustDomain && !hasEnded(rotation));
  return [
    ...(isTrue(object.status?.conditions, 'Ready') ? [] : [`TrustDomain ${trustDomain} is not ready: ${ready?.message ?? 'nobody has looked at it; is mtlsd running?'}`]),
    ...rivals.map(({ metadata, status }) => `CARotation ${metadata.name} is under way (${status?.phase ?? 'not begun'}): one at a time`),
  ];
}

function stragglersOf(object: TrustDomain | undefined, identities: readonly WorkloadIdentity[], nowMs: number): readonly OutlookObject[] {
  const notReady = identities.filter(({ status }) => !isTrue(status?.conditions, 'Ready'));
  const row = object === undefined ? undefined : trustDomainRow(object, identities, nowMs);
  const lagging = identities.filter(({ status }) => status?.bundleGeneration !== undefined && status.bundleGeneration !== row?.bundleGeneration);
  return [
    ...notReady.map((identity) => ({ object: nameOf(identity), why: identity.status?.conditions?.find(({ status }) => status === 'False')?.message ?? 'it is not ready' })),
    ...lagging.map((identity) => ({ object: nameOf(identity), why: `it carries generation ${identity.status?.bundleGeneration} of the bundle, not ${row?.bundleGeneration}` })),
    ...(row?.targets?.failing ?? []).map((target) => ({ object: target, why: 'the bundle cannot be written there' })),
  ];
}

/** Who is late: a consumer may still have the old certificate, or the old bundle, when its root goes. */
function breaksOf(identities: readonly WorkloadIdentity[], reissueSeconds: number, { propagationMs, reloadMs, promised }: Bounds, { distrustAfterMs }: OutlookRequest): readonly OutlookObject[] {
  const lateSeconds = reissueSeconds + whole(propagationMs + reloadMs);
  if (lateSeconds <= whole(distrustAfterMs)) return [];
  const why = `may have its old certificate and the old bundle in use until ${lateSeconds} s after the switch${promised ? '' : ' (the longest life of an identity, since rotation.consumerReload is not set)'}: restart it before, or it is refused and refuses`;
  return identities.map((identity) => ({ object: nameOf(identity), why }));
}

function nameOf({ metadata }: WorkloadIdentity): string {
  return `WorkloadIdentity ${metadata.namespace ?? ''}/${metadata.name}`;
}
