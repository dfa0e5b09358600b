import { backdateMs } from '../authority/index.ts';
import { resolvedRotationSettings, resolvedTrustDomainSpec, type TrustDomain, type WorkloadIdentity } from '../resources/index.ts';
import { hasEnded } from './rotation-row.ts';
import type { Sight } from './sight.ts';
import { isTrue, trustDomainRow } from './trust-domain-row.ts';

/** What is to be looked ahead at. */
export interface OutlookRequest {
  readonly trustDomain: string;
  readonly what: 'Root' | 'Issuing';
  readonly mode: 'Graceful' | 'Emergency';
  readonly distrustAfterMs: number;
  readonly pacePerSecond: number;
  /** What a change costs until consumers see it where nobody said otherwise: kubelet's bound in a cluster, nothing in a folder. */
  readonly propagationDefaultMs: number;
}

/** A part of the time that a rotation takes at least. */
export interface OutlookStep {
  readonly phase: string;
  readonly seconds: number;
  readonly why: string;
}

/** An object that may hold the rotation up, or that breaks. */
export interface OutlookObject {
  readonly object: string;
  readonly why: string;
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
}

/** Writes a second that any store takes beside its other work. */
const writesPerSecond = 200;
/** Making keys, a canary and a change of the record. */
const changeSeconds = 2;

/** Looks ahead. Pure. The time is what bounds and pace ask for at least: stragglers and approvals come on top. */
export function rotationOutlook(sight: Sight, request: OutlookRequest, nowMs: number): Outlook {
  const { trustDomain, what, mode } = request;
  const object = sight.trustDomains.find(({ metadata }) => metadata.name === trustDomain);
  const identities = sight.identities.filter(({ status }) => status?.trustDomain === trustDomain);
  const issued = identities.filter(({ status }) => status?.notAfter !== undefined);
  const targets = object?.status?.targets === undefined ? 0 : object.status.targets.written + object.status.targets.stale + (object.status.targets.failing?.length ?? 0);
  // A root goes into every bundle and out again at the end; an issuing authority changes none.
  const bundleWrites = what === 'Root' ? 2 * (issued.length + targets) : 0;
  const bounds = boundsOf(object, issued, request);
  const steps = what === 'Issuing' ? issuingSteps(issued.length, bounds, request) : mode === 'Emergency' ? emergencySteps(issued.length, targets, request) : rootSteps(issued.length, targets, bounds, request);
  return {
    trustDomain,
    what,
    mode,
    fromAuthority: object?.status?.authorities?.find(({ role, state }) => role === what && state === 'Active')?.keyIdentifier,
    obstacles: obstaclesOf(object, sight, request),
    reissued: issued.length,
    writes: { bundles: bundleWrites, certificates: issued.length, statuses: bundleWrites + issued.length },
    steps,
    seconds: steps.reduce((sum, { seconds }) => sum + seconds, 0),
    stragglers: stragglersOf(object, identities, nowMs),
    breaks: mode === 'Emergency' ? breaksOf(identities, emergencySeconds(issued.length, targets, request), bounds, request) : [],
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
  const lives = issued.map(({ status }) => Date.parse(status?.notAfter ?? '') - Date.parse(status?.notBefore ?? '') - backdateMs);
  const ttls = object === undefined ? [] : [resolvedTrustDomainSpec(object).svid.ttlMs];
  const longestTtlMs = Math.max(0, ...lives, ...ttls);
  const settings = object === undefined ? undefined : resolvedRotationSettings(object);
  return {
    propagationMs: settings?.propagationBoundMs ?? propagationDefaultMs,
    reloadMs: settings?.consumerReloadMs ?? longestTtlMs,
    promised: settings?.consumerReloadMs !== undefined,
    longestTtlMs,
  };
}

const whole = (ms: number): number => Math.ceil(ms / 1000);
const written = (count: number): number => Math.ceil(count / writesPerSecond);

function rootSteps(issued: number, targets: number, { propagationMs, reloadMs, promised, longestTtlMs }: Bounds, { pacePerSecond }: OutlookRequest): readonly OutlookStep[] {
  const places = issued + targets;
  return [
    { phase: 'Distribute', seconds: changeSeconds + written(places), why: `the new root is made, and written to ${places} places` },
    { phase: 'Confirm', seconds: whole(propagationMs), why: 'until consumers see it: rotation.propagationBound' },
    { phase: 'Confirm', seconds: whole(reloadMs), why: `until consumers have loaded it: ${promised ? 'rotation.consumerReload' : 'the longest life of an identity, since rotation.consumerReload is not set'}` },
    { phase: 'Canary', seconds: changeSeconds, why: 'handshakes with old and new certificates, both ways' },
    { phase: 'Reissue', seconds: Math.ceil(issued / pacePerSecond), why: `${issued} identities, ${pacePerSecond} a second` },
    { phase: 'Drain', seconds: whole(promised ? propagationMs + reloadMs : longestTtlMs), why: promised ? 'until consumers have loaded their new certificates' : 'until the last certificate of the old root has ended' },
    { phase: 'Retire', seconds: changeSeconds + written(places), why: `the old root and its key go, and the bundle is written to ${places} places` },
  ];
}

function emergencySteps(issued: number, targets: number, request: OutlookRequest): readonly OutlookStep[] {
  const wanted = whole(request.distrustAfterMs);
  const reissue = emergencySeconds(issued, targets, request);
  return [
    { phase: 'Switch', seconds: changeSeconds, why: 'the new root signs at once; the key of the old one goes' },
    { phase: 'Reissue', seconds: Math.min(reissue, wanted), why: `${issued} identities, ${request.pacePerSecond} a second, and ${issued + targets} bundles beside` },
    { phase: 'Drain', seconds: Math.max(0, wanted - reissue), why: `until the time of distrust, ${wanted} s after the switch` },
  ];
}

/** How long it takes at least until every identity has its new certificate and bundle. */
function emergencySeconds(issued: number, targets: number, { pacePerSecond }: OutlookRequest): number {
  return Math.ceil(issued / pacePerSecond) + written(issued + targets);
}

function issuingSteps(issued: number, { propagationMs, reloadMs, promised, longestTtlMs }: Bounds, { pacePerSecond }: OutlookRequest): readonly OutlookStep[] {
  return [
    { phase: 'Canary', seconds: 2 * changeSeconds, why: 'the new issuing authority is made, and shakes hands' },
    { phase: 'Reissue', seconds: Math.ceil(issued / pacePerSecond), why: `${issued} identities, ${pacePerSecond} a second; bundles do not change` },
    { phase: 'Drain', seconds: whole(promised ? propagationMs + reloadMs : longestTtlMs), why: promised ? 'until consumers have loaded their new certificates' : 'until the last certificate of the old issuing authority has ended' },
  ];
}

function obstaclesOf(object: TrustDomain | undefined, { rotations }: Sight, { trustDomain }: OutlookRequest): readonly string[] {
  if (object === undefined) return [`there is no TrustDomain ${trustDomain}`];
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  const rivals = rotations.filter((rotation) => rotation.spec.trustDomain === trustDomain && !hasEnded(rotation));
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
