/** The worlds that are searched: each has a few things that go wrong in it, as all of them at once would be too many states. */
import type { WorldKind } from './observe.ts';

/** Only deliveries are late or lost. */
export const quiet: WorldKind = {
  what: 'Root',
  mode: 'Graceful',
  leaves: ['Secret', 'Secret'],
  reloadIsPromised: false,
  crashes: false,
  nodesFail: false,
  aborts: false,
  emergencies: false,
  restores: 'never',
  pausesThen: false,
  fetches: false,
  isBrisk: false,
  canaryFails: false,
  ticks: { ttl: 2, requestedTtl: 3, propagationBound: 2, consumerReload: 2, lease: 1, distrustAfter: 1, fetch: 1 },
};

/** Deliveries that take a tick at most. */
export const short: WorldKind['ticks'] = { ...quiet.ticks, propagationBound: 1, consumerReload: 1 };

/** Leaves that live for longer than consumers need to load others. */
export const quickReload: WorldKind = { ...quiet, reloadIsPromised: true, ticks: { ...short, ttl: 4 } };

/** A kubelet that has failed delivers nothing, for as long as it likes. */
export const failing: WorldKind = { ...quiet, nodesFail: true, ticks: short };

/** An emergency is asked for once, at any point. */
export const urged: WorldKind = { ...quiet, emergencies: true, isBrisk: true, ticks: { ...short, ttl: 1, distrustAfter: 2 } };

/** An older record comes back once, at any point. */
const restored: WorldKind = { ...quiet, restores: 'record', isBrisk: true, pausesThen: true, ticks: short };

type Named = readonly [string, WorldKind];

/** Those that are searched with every change. */
export const kept: readonly Named[] = [
  ['replicas die, pause and lose answers, and the rotation is given up at any point', { ...quiet, crashes: true, aborts: true }],
  ['nodes fail and come back', failing],
  ['consumers promise to reload soon, and the rotation is given up at any point', { ...quickReload, aborts: true }],
  ['a pod certificate and one that was asked for, of which nobody keeps a list, with replicas that die', { ...quiet, leaves: ['csr', 'pod-certificate'], crashes: true, ticks: short }],
  ['a pod certificate beside a Secret, with replicas that die', { ...quiet, leaves: ['Secret', 'pod-certificate'], crashes: true, ticks: short }],
  ['somebody fetches the bundle over the network, late, and the rotation is given up at any point', { ...quiet, fetches: true, isBrisk: true, aborts: true, ticks: { ...short, fetch: 3 } }],
  ['somebody fetches the bundle over the network from who has not seen the newest', { ...quiet, fetches: true, isBrisk: true, ticks: { ...short, lease: 2, fetch: 3 } }],
  ['an emergency, with replicas that die', { ...quiet, mode: 'Emergency', crashes: true }],
  ['an emergency at any point of a rotation', urged],
  ['an issuing authority alone, with replicas that die', { ...quiet, what: 'Issuing', leaves: ['Secret', 'csr'], crashes: true, ticks: short }],
  ['an older record is restored at any point', restored],
];

/** Those that take long. */
export const large: readonly Named[] = [
  ['an emergency at any point of a rotation that is given up at any point, with replicas that die', { ...urged, aborts: true, crashes: true }],
  ['an emergency at any point of an emergency, with replicas that die', { ...urged, mode: 'Emergency', crashes: true }],
  ['an emergency at any point of the rotation of an issuing authority', { ...urged, what: 'Issuing' }],
  ['an older record is restored with Secrets as they were then', { ...restored, restores: 'record and Secrets' }],
  ['an older record is restored at any point of a rotation that is given up at any point', { ...restored, aborts: true, ticks: { ...short, ttl: 1 } }],
  ['an older record is restored at any point, and replicas die, pause and lose answers', { ...restored, crashes: true, ticks: { ...short, ttl: 1 } }],
  ['an older record is restored at any point of an emergency', { ...restored, mode: 'Emergency' }],
  ['an older record is restored, and the rotation goes on by itself', { ...restored, pausesThen: false }],
];
