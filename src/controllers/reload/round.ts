import { BlockList, isIPv6 } from 'node:net';
import type { PodFacts } from '../pod-warnings/uses.ts';

/** A pod that has to be told, and how that goes. Times in milliseconds since the epoch. */
interface PodTry {
  readonly uid: string;
  readonly name: string;
  readonly owner: PodFacts['owner'];
  /** Since when its container ran when it was taken in: one that was restarted since then has read its files anew. */
  readonly startedAtMs: number | undefined;
  readonly tries: number;
  readonly nextAtMs: number;
  readonly state: 'due' | 'told' | 'failing';
  /** Why the last try failed. */
  readonly problem: string | undefined;
}

/** One change of a Secret, and the pods that have to be told of it. */
export interface Round {
  /** What it is told of: see `Change`. */
  readonly version: string;
  /** When every pod can see the change, milliseconds since the epoch. */
  readonly dueMs: number;
  /** Until when pods are taken in that have begun to run; undefined before it is due. */
  readonly openUntilMs: number | undefined;
  readonly pods: readonly PodTry[];
}

/** How a round went. */
export interface RoundResult {
  readonly pods: number;
  readonly reloaded: number;
  /** Pods that could not be told, each with why, in the order of their names; the first few. */
  readonly failing: readonly string[];
}

/** What is to be done in a round now. */
export interface RoundPlan {
  readonly round: Round;
  /** Pods that are to be called. */
  readonly call: readonly PodFacts[];
  /** When to look again; undefined: when something changes. */
  readonly nextAtMs: number | undefined;
  /** How it went; undefined while that is not known. */
  readonly result: RoundResult | undefined;
}

/** kubelet says that a pod runs up to so much later than it does: such a one may have read its files before it was due. */
export const lateSightMs = 10_000;
/** A pod that fails is called again after one second, then twice as long each time, this many times in all; */
export const triesMax = 6;
const firstRetryMs = 1_000;
/** and from then on every five minutes, until there is another change. */
export const slowRetryMs = 5 * 60_000;
/** Names in a status. */
export const linesMax = 8;
/** Characters in each: a status has room for 512. */
export const lineMax = 300;

/** Addresses that no pod has: whoever gets one into the status of a pod wants us to call somebody else. */
const foreign = new BlockList();
for (const [net, prefix] of [['0.0.0.0', 8], ['127.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 3]] as const) foreign.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [['::', 127], ['fe80::', 10], ['ff00::', 8]] as const) foreign.addSubnet(net, prefix, 'ipv6');

/** A round before it is due. */
export function newRound(version: string, dueMs: number): Round {
  return { version, dueMs, openUntilMs: undefined, pods: [] };
}

/**
 * What is to be done in a round. Pure. Told are the pods that ran when every pod could see the change, and had not seen it
 * when they began; those that are gone or were restarted by then are not counted any more.
 * @param pods those that mount the Secret now
 */
export function planRound(before: Round, pods: readonly PodFacts[], nowMs: number): RoundPlan {
  if (nowMs < before.dueMs) return { round: before, call: [], nextAtMs: before.dueMs, result: undefined };
  const openUntilMs = before.openUntilMs ?? nowMs + lateSightMs;
  const round = { ...before, openUntilMs, pods: takenIn(before, pods, nowMs <= openUntilMs, nowMs) };
  const byUid = new Map(pods.map((pod) => [pod.uid, pod]));
  const call = round.pods.flatMap(({ uid, state, nextAtMs }) => (state !== 'told' && nextAtMs <= nowMs ? (byUid.get(uid) ?? []) : []));
  const later = [...round.pods.filter(({ state }) => state !== 'told').map(({ nextAtMs }) => nextAtMs), openUntilMs].filter((ms) => ms > nowMs && ms < Infinity);
  return { round, call, nextAtMs: later.length === 0 ? undefined : Math.min(...later), result: isOver(round, nowMs) ? resultOf(round) : undefined };
}

/** The round after a pod was called: `problem` says why in vain, undefined that it was told. */
export function afterCall(round: Round, uid: string, problem: string | undefined, nowMs: number): Round {
  const pods = round.pods.map((pod): PodTry => (pod.uid === uid ? { ...pod, ...outcome(pod.tries + 1, problem, nowMs) } : pod));
  return { ...round, pods };
}

function outcome(tries: number, problem: string | undefined, nowMs: number): Pick<PodTry, 'tries' | 'state' | 'problem' | 'nextAtMs'> {
  if (problem === undefined) return { tries, state: 'told', problem, nextAtMs: nowMs };
  if (tries >= triesMax) return { tries, state: 'failing', problem, nextAtMs: nowMs + slowRetryMs };
  return { tries, state: 'due', problem, nextAtMs: nowMs + firstRetryMs * 2 ** (tries - 1) };
}

/** Whether all that could be told by now was told, or failed to be: what is left waits for its next try. */
export function isOver({ openUntilMs, pods }: Round, nowMs: number): boolean {
  return openUntilMs !== undefined && nowMs >= openUntilMs && pods.every(({ state }) => state !== 'due');
}

function takenIn({ pods: known }: Round, pods: readonly PodFacts[], isOpen: boolean, nowMs: number): readonly PodTry[] {
  const tries = new Map(known.map((pod) => [pod.uid, pod]));
  return pods.flatMap((pod): readonly PodTry[] => {
    const before = tries.get(pod.uid);
    if (before !== undefined && before.startedAtMs !== pod.startedAtMs) return [];
    if (before !== undefined && before.tries > 0) return [before];
    if (before === undefined && (!isOpen || !pod.running)) return [];
    const { uid, name, owner, startedAtMs } = pod;
    const problem = whyNotCalled(pod);
    const state = problem === undefined ? 'due' : 'failing';
    return [{ uid, name, owner, startedAtMs, tries: 0, nextAtMs: problem === undefined ? nowMs : Infinity, state, problem }];
  });
}

/** Why a pod is never called, by the address that it has. */
function whyNotCalled({ ip, hostNetwork }: PodFacts): string | undefined {
  if (hostNetwork) return 'it is on the network of its node, where a port may be anybody’s: it is not called';
  if (ip === undefined) return 'it has no address';
  return foreign.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4') ? `${ip} is not the address of a pod: it is not called` : undefined;
}

function resultOf({ pods }: Round): RoundResult {
  const failing = pods.filter(({ state }) => state === 'failing').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    pods: pods.length,
    reloaded: pods.length - failing.length,
    failing: failing.slice(0, linesMax).map(({ name, problem = '' }) => `${name}: ${problem}`.slice(0, lineMax)),
  };
}
