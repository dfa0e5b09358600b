import type { Kind, ObjectKey } from '../port.ts';

/** What a deferred task is, so that a simulation can choose which one runs next. */
export type DeferredWork =
  /** A call on its way to the store: it takes effect when the task runs. */
  | { readonly what: 'request'; readonly verb: string; readonly key: ObjectKey }
  /** The answer on its way back. */
  | { readonly what: 'response'; readonly verb: string; readonly key: ObjectKey }
  /** A watch reads its snapshot (the state of this moment), or hands it over. */
  | { readonly what: 'list' | 'snapshot'; readonly kind: Kind }
  /** The next undelivered delta of this object is handed over. */
  | { readonly what: 'delta'; readonly kind: Kind; readonly key: ObjectKey };

/** Runs `task` later, exactly once, never inside this call. Any order is allowed. */
export type Defer = (task: () => void, work: DeferredWork) => void;

/** First come, first served, as soon as the current task ends. */
export const deferToMicrotask: Defer = (task) => {
  queueMicrotask(task);
};
