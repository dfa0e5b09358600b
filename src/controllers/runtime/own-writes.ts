import type { QueueKey } from './queue.ts';

/**
 * The key for which a write has just succeeded, while caches are shown what was written. Whoever wrote it looks again by
 * itself: the change is no reason to come back to that key. Others that the change concerns are called as ever.
 */
export class OwnWrites {
  #shown: QueueKey | undefined;

  /** Runs `show`, which tells caches and their listeners, on behalf of a key that is being worked on. */
  show(key: QueueKey, show: () => void): void {
    this.#shown = key;
    try {
      show();
    } finally {
      this.#shown = undefined;
    }
  }

  /** Whether what is told right now is the key's own write. */
  isOf(namespace: string, name: string): boolean {
    return this.#shown?.name === name && this.#shown.namespace === namespace;
  }
}
