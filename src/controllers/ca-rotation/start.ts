import type { BundleTargets } from '../bundle/targets.ts';
import type { BundleCaches, IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains } from '../domains.ts';
import { ServedHints } from '../federation/served-hints.ts';
import type { Cache } from '../runtime/cache.ts';
import { Controller } from '../runtime/controller.ts';
import type { CARotation } from '../../resources/index.ts';
import { trustFigures } from './figures.ts';
import { keepReceipt } from './receipt.ts';
import type { RotationParts } from './parts.ts';
import { CARotationReconciler } from './reconciler.ts';
import type { Reissues } from './reissues.ts';
import { RotationSchedule } from './schedule.ts';
import { RotationWatches } from './watches.ts';

/** What this part of the reconcilers is started with. */
export interface RotationStart {
  readonly context: ControllerContext;
  readonly caches: IdentityCaches;
  readonly bundles: BundleCaches | undefined;
  readonly domains: Domains;
  readonly targets: BundleTargets;
  readonly reissues: Reissues;
  readonly rotations: Cache<CARotation>;
  /** Resolves when trust domains and identities are known. */
  readonly started: Promise<void>;
  readonly signal: AbortSignal;
  readonly trustDomainController: Controller;
  readonly identityController: Controller;
}

/** Rotations of different trust domains do not wait for each other. */
const atOnce = 4;
/** How often the figures of trust are told, and how soon after a trust domain has changed. */
const figuresMs = 15_000;
const figuresSoonMs = 1_000;

/** The reconcilers of rotations, at work. */
export interface StartedRotations {
  readonly controllers: readonly Controller[];
  /** Counts anew what violates the invariant, which otherwise takes seconds after a change. */
  readonly countViolations: () => void;
}

/** Starts the reconcilers of rotations and of their schedules. */
export function startRotations(start: RotationStart): StartedRotations {
  const { context, caches, bundles, rotations, domains, targets, signal } = start;
  const watches = new RotationWatches(context);
  signal.addEventListener('abort', () => watches.close(), { once: true });
  const hints = new ServedHints(context.clock.nowMs());
  domains.onChange((name) => {
    const domain = domains.get(name);
    if (domain !== undefined) hints.note(domain, context.clock.nowMs());
  });
  const parts: RotationParts = {
    context,
    domains,
    watches,
    hints,
    behind: targets,
    reissues: start.reissues,
    caches: { rotations, bundles, identities: caches.identities, secrets: caches.secrets, trustDomains: caches.trustDomains },
    wakeIdentity: (namespace, name) => start.identityController.enqueue(namespace, name),
    wakeTrustDomain: (name) => start.trustDomainController.enqueue(undefined, name),
    keepReceipt,
  };
  const rotationController = new Controller(new CARotationReconciler(parts), { ...context, concurrency: atOnce });
  const scheduleController = new Controller(new RotationSchedule(parts), { ...context, concurrency: 1 });
  wake(rotations, domains, rotationController, scheduleController);
  let tell: (() => void) | undefined;
  // By themselves: without the definition of the kind, or the right to it, everything else goes on.
  void Promise.all([start.started, rotations.whenSynced()]).then(() => {
    rotationController.start();
    scheduleController.start();
    tell = tellFigures(parts, signal);
  });
  return { controllers: [rotationController, scheduleController], countViolations: () => tell?.() };
}

function wake(rotations: Cache<CARotation>, domains: Domains, rotationController: Controller, scheduleController: Controller): void {
  rotations.onChange((before, after) => {
    const object = after ?? before;
    if (object === undefined) return;
    // Our own status leads to the next look by itself.
    if (before?.metadata.generation !== after?.metadata.generation || before === undefined || after === undefined || before.status?.phase !== after.status?.phase) {
      // All of its trust domain: one that has ended lets the next begin.
      for (const other of rotations.values()) if (other.spec.trustDomain === object.spec.trustDomain) rotationController.enqueue(undefined, other.metadata.name);
      rotationController.enqueue(undefined, object.metadata.name);
    }
  });
  domains.onChange((name) => {
    scheduleController.enqueue(undefined, name);
    const rotation = domains.get(name)?.record?.rotation?.name;
    if (rotation !== undefined) rotationController.enqueue(undefined, rotation);
  });
}

/** Returns what tells them at once. */
function tellFigures({ context, domains, caches, behind, wakeTrustDomain }: RotationParts, signal: AbortSignal): () => void {
  const { clock, metrics } = context;
  let cancel: () => void = () => undefined;
  let nextAtMs = Infinity;
  const tellAt = (atMs: number): void => {
    if (signal.aborted || atMs >= nextAtMs) return;
    cancel();
    nextAtMs = atMs;
    cancel = clock.schedule(atMs, tell);
  };
  const tell = (): void => {
    const nowMs = clock.nowMs();
    const { figures, violations } = trustFigures(domains, caches, behind, nowMs);
    metrics.trust?.(figures);
    for (const [name, count] of violations) if (behind.noteViolations(name, count)) wakeTrustDomain(name);
    nextAtMs = Infinity;
    tellAt(nowMs + figuresMs);
  };
  signal.addEventListener('abort', () => cancel(), { once: true });
  domains.onChange(() => tellAt(clock.nowMs() + figuresSoonMs));
  if (!signal.aborted) tell();
  return tell;
}
