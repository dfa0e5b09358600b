import type { SigningLease } from '../../authority/index.ts';

/**
 * The lease of a process that is alone: it may sign as long as it lives, but only under the epoch that it acknowledged last.
 * What was begun under an earlier one is not signed any more.
 */
export class ProcessLease implements SigningLease {
  readonly #epochs = new Map<string, number>();

  permits(trustDomain: string, signerEpoch: number): boolean {
    return this.#epochs.get(trustDomain) === signerEpoch;
  }

  acknowledge(trustDomain: string, signerEpoch: number): Promise<void> {
    this.#epochs.set(trustDomain, signerEpoch);
    return Promise.resolve();
  }
}
