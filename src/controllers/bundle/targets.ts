import { describeTarget, type BundleTarget } from './target.ts';

/** Where a target stands. `failing` carries why. */
export type TargetState = { readonly state: 'written' | 'stale' } | { readonly state: 'failing'; readonly why: string };

/** How far the bundle of a trust domain has come, as its status tells it. */
export interface TargetCounts {
  readonly written: number;
  readonly stale: number;
  readonly failing?: readonly string[];
}

/** Status names this many failing targets; the metric has the number. */
const failingNamesMax = 100;

/**
 * The standing of every bundle target, by trust domain: filled by the bundle reconciler, told by the TrustDomain's status. With
 * it, how many live leaves somebody may refuse because of the bundle that he has.
 */
export class BundleTargets {
  readonly #states = new Map<string, Map<string, TargetState & { readonly target: BundleTarget }>>();
  readonly #violations = new Map<string, number>();
  readonly #listeners: ((trustDomain: string) => void)[] = [];
  #complete = false;

  /**
   * Says that every target was looked at once. Until then the counts of the process before stay in status: a restart must
   * not tell of bundles as missing that were only not counted yet.
   */
  complete(trustDomains: readonly string[]): void {
    this.#complete = true;
    for (const trustDomain of trustDomains) for (const listener of this.#listeners) listener(trustDomain);
  }

  /** Notes where a target stands; undefined when it is a target no more. */
  note(target: BundleTarget, state: TargetState | undefined): void {
    const name = describeTarget(target);
    const states = this.#states.get(target.trustDomain) ?? new Map<string, TargetState & { readonly target: BundleTarget }>();
    const before = states.get(name);
    if (before?.state === state?.state) return;
    if (state === undefined) states.delete(name);
    else states.set(name, { ...state, target });
    this.#states.set(target.trustDomain, states);
    if (this.#complete) for (const listener of this.#listeners) listener(target.trustDomain);
  }

  /** The targets that do not carry the current bundle, as far as is known, with why where they fail. */
  behind(trustDomain: string): readonly { readonly target: BundleTarget; readonly why: string | undefined }[] {
    const states = [...(this.#states.get(trustDomain)?.values() ?? [])];
    return states.flatMap((state) => (state.state === 'written' ? [] : [{ target: state.target, why: state.state === 'failing' ? state.why : undefined }]));
  }

  /** Notes how many live leaves violate the invariant. Returns whether that is news. */
  noteViolations(trustDomain: string, count: number): boolean {
    const before = this.#violations.get(trustDomain);
    this.#violations.set(trustDomain, count);
    return before !== count;
  }

  /** How many do; undefined before they were counted. */
  violations(trustDomain: string): number | undefined {
    return this.#violations.get(trustDomain);
  }

  onChange(listener: (trustDomain: string) => void): void {
    this.#listeners.push(listener);
  }

  /** The counts, or undefined when there is no target. @param before what counts while not every target was looked at */
  counts(trustDomain: string, before: TargetCounts | undefined): TargetCounts | undefined {
    if (!this.#complete) return before;
    const states = [...(this.#states.get(trustDomain) ?? [])];
    if (states.length === 0) return undefined;
    const failing = states.filter(([, { state }]) => state === 'failing').map(([name]) => name).sort();
    return {
      written: states.filter(([, { state }]) => state === 'written').length,
      stale: states.filter(([, { state }]) => state === 'stale').length,
      ...(failing.length === 0 ? {} : { failing: failing.slice(0, failingNamesMax) }),
    };
  }
}
