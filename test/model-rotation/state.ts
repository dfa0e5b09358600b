/**
 * A state of the small world: a row of small numbers, kept as a string. Times are ticks from now, so that the same
 * situation is the same state whenever it comes.
 */

/** How long things take in a world, in ticks. */
export interface Ticks {
  /** A leaf of a Secret, and one that somebody asked for. */
  readonly ttl: number;
  readonly requestedTtl: number;
  /** Below this a kubelet delivers, and a consumer loads. */
  readonly propagationBound: number;
  readonly consumerReload: number;
  readonly lease: number;
  readonly distrustAfter: number;
  /** Below this who reads the bundle over the network fetches it again. */
  readonly fetch: number;
}

export const replicas = [0, 1] as const;
export const workloads = [0, 1] as const;
export type Replica = (typeof replicas)[number];
export type Workload = (typeof workloads)[number];

/** What stands where in a row. */
export const at = {
  record: 0,
  remembered: 1,
  flags: 2,
  /** 0: nobody, else the replica + 1. */
  holder: 3,
  /** Ticks until the Lease ends; 0: it has. */
  leaseEnd: 4,
  /** The signer epoch that the Lease names; 0: none. */
  leaseEpoch: 5,
  /** The record as a replica knows it: see `packView`; 0: not at all. */
  view: (replica: Replica): number => 6 + replica * 4,
  /** Ticks for which a replica believes that it may act. */
  term: (replica: Replica): number => 7 + replica * 4,
  termEpoch: (replica: Replica): number => 8 + replica * 4,
  /** What a replica is about to write: see `packStep` and `packWrite`; 0: nothing. */
  hand: (replica: Replica): number => 9 + replica * 4,
  /** What is in the Secret of a workload, at its node, and in its process: see `packContent`. */
  secret: (workload: Workload): number => 14 + workload * 4,
  delivered: (workload: Workload): number => 15 + workload * 4,
  loaded: (workload: Workload): number => 16 + workload * 4,
  /** Of its node, and of what is on its way: see `packSite`. */
  site: (workload: Workload): number => 17 + workload * 4,
  /** Where records are restored: what the status of the trust domain says was delivered (see `packTold`), and the record before the restore. */
  told: 22,
  newest: 23,
  /** Who reads the bundle over the network: what it has, and since when, in ticks (see `packReader`). */
  reader: 24,
  /** What was promised of roots that an emergency distrusts: see `packPromises`. */
  promised: 25,
} as const;
export const rowLength = 26;
export type Row = number[];

/** What has happened once and for all; 0 at first. */
export interface Flags {
  readonly abort: boolean;
  /** The number of the authority whose canary went well; 0: none. */
  readonly canary: number;
  /** Whether an older record was put back. */
  readonly restored: boolean;
  /** The root with which an operator chose to go on, as a bit; 0: none. */
  readonly accepted: number;
  /** Whether what is delivered need not be trusted by everybody: Secrets were put back too, or an older root was chosen. */
  readonly excused: boolean;
  /** The root that an emergency was asked for about, beside the rotation, as a bit; 0: none was. And whether it was being replaced then. */
  readonly emergency: number;
  readonly ofReplaced: boolean;
}

export function packFlags({ abort, canary, restored, accepted, excused, emergency, ofReplaced }: Flags): number {
  return (abort ? 1 : 0) | (canary << 1) | (restored ? 16 : 0) | (accepted << 5) | (excused ? 256 : 0) | (emergency << 9) | (ofReplaced ? 4096 : 0);
}

export function flagsOf(packed: number): Flags {
  return { abort: (packed & 1) !== 0, canary: (packed >> 1) & 7, restored: (packed & 16) !== 0, accepted: (packed >> 5) & 7, excused: (packed & 256) !== 0, emergency: (packed >> 9) & 7, ofReplaced: (packed & 4096) !== 0 };
}

/** Ticks until each root is to be trusted by nobody, plus one, in the order of the roots; 0: nobody has promised that. */
export function packPromises(ticks: readonly number[]): number {
  return ticks.reduce((packed, left, index) => packed | (left << (index * 3)), 0);
}

export function promisesOf(packed: number): readonly number[] {
  return [0, 3, 6].map((shift) => (packed >> shift) & 7);
}

/** A pair with its bundle. */
export interface Content {
  /** Number of the issuing authority; 0 when the leaf has ended. */
  readonly issuer: number;
  /** Ticks for which the leaf is valid, this one included; 0: it has ended. */
  readonly left: number;
  readonly generation: number;
  /** Roots in the bundle, as bits. */
  readonly roots: number;
}

export function packContent({ issuer, left, generation, roots }: Content): number {
  return (left === 0 ? 0 : issuer) | (left << 3) | (generation << 6) | (roots << 9);
}

export function contentOf(packed: number): Content {
  return { issuer: packed & 7, left: (packed >> 3) & 7, generation: (packed >> 6) & 7, roots: (packed >> 9) & 7 };
}

/**
 * The content one tick later. A leaf of the authority that signs is renewed all the time, so it always has its whole life
 * before it: the worst that can be at a switch.
 */
export function aged(packed: number, signer: number): number {
  if ((packed & 7) === signer) return packed;
  const left = (packed >> 3) & 7;
  if (left === 0) return packed;
  return left === 1 ? packed & ~63 : packed - 8;
}

/** What a replica knows of the record. */
export interface View {
  readonly epoch: number;
  readonly generation: number;
  readonly issuer: number;
  readonly roots: number;
}

export function packView({ epoch, generation, issuer, roots }: View): number {
  return 1 | (epoch << 1) | (generation << 4) | (issuer << 7) | (roots << 10);
}

export function viewOf(packed: number): View {
  return { epoch: (packed >> 1) & 7, generation: (packed >> 4) & 7, issuer: (packed >> 7) & 7, roots: (packed >> 10) & 7 };
}

/** What a status says was delivered. */
export interface Told {
  readonly epoch: number;
  readonly generation: number;
  readonly roots: number;
}

export function packTold({ epoch, generation, roots }: Told): number {
  return epoch | (generation << 3) | (roots << 6);
}

export function toldOf(packed: number): Told {
  return { epoch: packed & 7, generation: (packed >> 3) & 7, roots: packed >> 6 };
}

/** The bundle that a reader has, and how many ticks ago it fetched last, plus one. */
export interface Reader {
  readonly generation: number;
  readonly roots: number;
  readonly age: number;
}

export function packReader({ generation, roots, age }: Reader): number {
  return roots | (generation << 3) | (age << 6);
}

export function readerOf(packed: number): Reader {
  return { roots: packed & 7, generation: (packed >> 3) & 7, age: packed >> 6 };
}

/** A node and its way to one workload. Ages in ticks. */
export interface Site {
  /** Since when something is written that is not delivered, plus one; 0: nothing. */
  readonly undelivered: number;
  /** Since when something is delivered that is not loaded, plus one; 0: nothing. */
  readonly unloaded: number;
  readonly down: boolean;
  /** Since when its Lease was not renewed. */
  readonly silent: number;
  /** For how long it had been ready when it renewed its Lease last. */
  readonly ready: number;
}

/** Beyond these it makes no difference. */
export const silentMax = 3;
export const readyMax = 3;

export function packSite({ undelivered, unloaded, down, silent, ready }: Site): number {
  return undelivered | (unloaded << 3) | (down ? 64 : 0) | (silent << 7) | (ready << 10);
}

export function siteOf(packed: number): Site {
  return { undelivered: packed & 7, unloaded: (packed >> 3) & 7, down: (packed & 64) !== 0, silent: (packed >> 7) & 7, ready: (packed >> 10) & 7 };
}

/** What the plan can ask for, as it is kept in a replica's hand. */
export const steps = ['prepare', 'prepare-issuing', 'drop-prepared', 'switch', 'emergency', 'switch-back', 'retire', 'finish-complete', 'finish-aborted', 'overtake', 'hasten', 'distrust-sooner'] as const;
export type Step = (typeof steps)[number];

/** What a replica is about to write. `fresh`: nobody has changed the object since it was read, so that the write will succeed. */
export type Hand =
  | { readonly kind: 'step'; readonly fresh: boolean; readonly step: Step }
  | { readonly kind: 'leaf' | 'bundle'; readonly fresh: boolean; readonly workload: Workload; readonly content: number };

export function packHand(hand: Hand): number {
  const fresh = hand.fresh ? 4 : 0;
  if (hand.kind === 'step') return 1 | fresh | (steps.indexOf(hand.step) << 3);
  return (hand.kind === 'leaf' ? 2 : 3) | fresh | (hand.workload << 3) | (hand.content << 4);
}

export function handOf(packed: number): Hand | undefined {
  if (packed === 0) return undefined;
  const fresh = (packed & 4) !== 0;
  if ((packed & 3) === 1) return { kind: 'step', fresh, step: steps[packed >> 3] as Step };
  return { kind: (packed & 3) === 2 ? 'leaf' : 'bundle', fresh, workload: ((packed >> 3) & 1) as Workload, content: packed >> 4 };
}

export function rowOf(state: string): Row {
  const row: Row = [];
  for (let index = 0; index < rowLength; index += 1) row.push(state.charCodeAt(index));
  return row;
}

/**
 * What makes no difference any more is forgotten: a write that will be refused, a leaf that has ended before it was written;
 * and a replica that may not act and has nothing in its hand is as good as one that has just started.
 */
export function forgetIdle(row: Row, isListed: readonly boolean[]): void {
  for (const replica of replicas) {
    const hand = handOf(row[at.hand(replica)] ?? 0);
    const isAlone = hand?.kind === 'leaf' && isListed[hand.workload] === false;
    const isDead = hand?.kind === 'leaf' && contentOf(hand.content).left === 0;
    if (hand !== undefined && (isDead || (!hand.fresh && !isAlone))) row[at.hand(replica)] = 0;
    if (row[at.term(replica)] === 0 && row[at.hand(replica)] === 0) row[at.view(replica)] = row[at.termEpoch(replica)] = 0;
  }
}

/**
 * The string of a row. Replicas are alike, and so are workloads of one kind: of two rows that differ only by who is who, one
 * stands for both.
 */
export function stateOf(row: Row, workloadsAreAlike: boolean): string {
  if (workloadsAreAlike && isAfter(row, at.secret(0), at.secret(1))) {
    swap(row, at.secret(0), at.secret(1));
    for (const replica of replicas) {
      const hand = row[at.hand(replica)] ?? 0;
      if ((hand & 3) > 1) row[at.hand(replica)] = hand ^ 8;
    }
  }
  if (isAfter(row, at.view(0), at.view(1))) {
    swap(row, at.view(0), at.view(1));
    const holder = row[at.holder] ?? 0;
    if (holder > 0) row[at.holder] = 3 - holder;
  }
  return String.fromCharCode(...row);
}

function isAfter(row: Row, one: number, other: number): boolean {
  for (let index = 0; index < 4; index += 1) {
    const difference = (row[one + index] ?? 0) - (row[other + index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function swap(row: Row, one: number, other: number): void {
  for (let index = 0; index < 4; index += 1) {
    const kept = row[one + index] ?? 0;
    row[one + index] = row[other + index] ?? 0;
    row[other + index] = kept;
  }
}
