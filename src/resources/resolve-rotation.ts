import { withDefaults } from './defaults.ts';
import { parseDuration } from './duration.ts';
import type { CARotation, CARotationSpec, CARotationStatus } from './generated/ca-rotation.ts';
import type { TrustDomain } from './generated/trust-domain.ts';
import { specSchema } from './kinds.ts';

/** A gate of a rotation, by name. */
export type RotationGate = NonNullable<CARotationStatus['gates']>[number]['name'];

/** What an operator allows to be left behind. */
export interface RotationExemption {
  readonly kind: NonNullable<CARotationSpec['exemptions']>[number]['kind'];
  readonly namespace: string | undefined;
  readonly name: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly untilMs: number;
}

/** A CARotation's spec with every default in its place and times in milliseconds. */
export interface ResolvedRotationSpec {
  readonly trustDomain: string;
  readonly what: 'Root' | 'Issuing';
  readonly fromAuthority: string;
  readonly mode: 'Graceful' | 'Emergency';
  /** For an emergency: how long after the switch the old root is distrusted. */
  readonly distrustAfterMs: number;
  readonly approvals: readonly RotationGate[];
  readonly approved: readonly RotationGate[];
  /** Identities that are re-issued a second at most. */
  readonly pacePerSecond: number;
  readonly exemptions: readonly RotationExemption[];
  readonly paused: boolean;
  readonly abort: boolean;
}

const defaultPacePerSecond = 50;
const defaultDistrustAfterMs = 15 * 60_000;

/** @throws MtlsdError `DURATION_INVALID` for an object that was never validated */
export function resolvedRotationSpec(rotation: CARotation): ResolvedRotationSpec {
  const spec = withDefaults(specSchema('CARotation'), rotation.spec) as CARotationSpec;
  return {
    trustDomain: spec.trustDomain,
    what: spec.what,
    fromAuthority: spec.fromAuthority,
    mode: spec.mode ?? 'Graceful',
    distrustAfterMs: spec.distrustAfter === undefined ? defaultDistrustAfterMs : parseDuration(spec.distrustAfter),
    approvals: spec.approvals ?? [],
    approved: spec.approved ?? [],
    pacePerSecond: spec.pace ?? defaultPacePerSecond,
    exemptions: (spec.exemptions ?? []).map(({ kind, namespace, name, reason, until }) => ({ kind, namespace, name, reason, untilMs: Date.parse(until) })),
    paused: spec.paused ?? false,
    abort: spec.abort ?? false,
  };
}

/** How late consumers may be, and when a root is rotated by itself. Milliseconds; undefined where the user said nothing. */
export interface ResolvedRotationSettings {
  readonly propagationBoundMs: number | undefined;
  readonly consumerReloadMs: number | undefined;
  readonly rootEveryMs: number | undefined;
  readonly rootBeforeRemainingMs: number | undefined;
}

/** @throws MtlsdError `DURATION_INVALID` for an object that was never validated */
export function resolvedRotationSettings(trustDomain: TrustDomain): ResolvedRotationSettings {
  const { propagationBound, consumerReload, root } = trustDomain.spec.rotation ?? {};
  return {
    propagationBoundMs: optionalMs(propagationBound),
    consumerReloadMs: optionalMs(consumerReload),
    rootEveryMs: optionalMs(root?.every),
    rootBeforeRemainingMs: optionalMs(root?.beforeRemaining),
  };
}

function optionalMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}
