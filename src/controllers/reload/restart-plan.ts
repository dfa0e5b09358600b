import { selectorMatches, type PodDisruptionBudget } from '../../resources/index.ts';
import { isRolledOut, markOf, whyStuck, type Workload } from './workload.ts';

/** A workload whose pods have to be replaced. */
export interface Wanted {
  readonly workload: Workload;
  /** For which roots: see `markOf`. */
  readonly mark: string;
}

/** What is to be done in a namespace now. */
export interface RestartPlan {
  /** The next one to restart: one at most. */
  readonly restart: Wanted | undefined;
  /** Those that have been restarted, and whose pods are all replaced. */
  readonly done: readonly Wanted[];
  /** What the others wait for. */
  readonly waiting: ReadonlyMap<Wanted, string>;
}

/**
 * Decides which workload of a namespace is restarted next. Pure. One at a time: what does not come up again with the new
 * roots stops at the first one. Those that must not be touched now hold nobody else up.
 * @param budgets those of the namespace
 */
export function planRestarts(wanted: readonly Wanted[], budgets: readonly PodDisruptionBudget[]): RestartPlan {
  const inOrder = wanted.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const marked = inOrder.filter(({ workload, mark }) => markOf(workload) === mark);
  const done = marked.filter(({ workload }) => isRolledOut(workload));
  const [rolling] = marked.filter((each) => !done.includes(each));
  const open = inOrder.filter((each) => !marked.includes(each));
  const waiting = new Map(marked.filter((each) => !done.includes(each)).map((each) => [each, whyStuck(each.workload) ?? 'its pods are being replaced']));
  if (rolling !== undefined) {
    for (const each of open) waiting.set(each, `the pods of ${nameOf(rolling)} are being replaced first`);
    return { restart: undefined, done, waiting };
  }
  let restart: Wanted | undefined;
  for (const each of open) {
    const why = whyNotNow(each.workload, budgets) ?? (restart === undefined ? undefined : `${nameOf(restart)} is restarted first`);
    if (why === undefined) restart = each;
    else waiting.set(each, why);
  }
  return { restart, done, waiting };
}

/** `Deployment cart`. */
export function nameOf({ workload }: Pick<Wanted, 'workload'>): string {
  return `${workload.kind} ${workload.metadata.name}`;
}

function whyNotNow(workload: Workload, budgets: readonly PodDisruptionBudget[]): string | undefined {
  const stuck = whyStuck(workload);
  if (stuck !== undefined) return stuck;
  if (!isRolledOut(workload)) return 'a roll-out of it is under way';
  const labels = workload.spec.template.metadata?.labels ?? {};
  const own = budgets.filter(({ spec }) => spec.selector !== undefined && selectorMatches(spec.selector, labels));
  const unjudged = own.find(({ metadata, status }) => (status?.observedGeneration ?? 0) < (metadata.generation ?? 0));
  if (unjudged !== undefined) return `its PodDisruptionBudget ${unjudged.metadata.name} was edited, and nobody has said yet what it allows`;
  const refusing = own.find(({ status }) => (status?.disruptionsAllowed ?? 0) < 1);
  return refusing === undefined ? undefined : `its PodDisruptionBudget ${refusing.metadata.name} allows no disruption`;
}
