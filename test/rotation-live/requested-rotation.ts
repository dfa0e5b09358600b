/** A rotation that is asked for, as its owner follows and steers it. */
import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import { until } from '../standalone/wait.ts';
import type { Rotations } from './stage.ts';

/** Every gate waits for a person, so that a rotation can be looked at, and its daemon killed, at each. */
const everyGate: NonNullable<CARotationSpec['approvals']> = ['Written', 'Delivered', 'Loaded', 'Fetched', 'Canary', 'Acknowledged', 'Reissued', 'Drained', 'Withdrawn'];
/** A machine that has much else to do takes minutes for what waits for seconds. */
const patienceMs = 600_000;
const ends: readonly string[] = ['Complete', 'Aborted', 'Superseded'];

export class RequestedRotation {
  readonly name: string;
  /** Phases and gates in the order in which they were seen: `Confirm/Delivered`. */
  readonly seen: string[] = [];
  readonly #rotations: Rotations;
  #spec: CARotationSpec;

  private constructor(rotations: Rotations, name: string, spec: CARotationSpec) {
    this.name = name;
    this.#rotations = rotations;
    this.#spec = spec;
  }

  /** Asks for the root of a trust domain to be rotated. @param more of the rotation's spec */
  static async of(rotations: Rotations, name: string, trustDomain: string, more: Pick<CARotationSpec, 'pace'> = {}): Promise<RequestedRotation> {
    const [fromAuthority = ''] = await rotations.roots(trustDomain);
    const rotation = new RequestedRotation(rotations, name, { trustDomain, what: 'Root', fromAuthority, approvals: everyGate, ...more });
    await rotations.request(name, rotation.#spec);
    return rotation;
  }

  async status(): Promise<CARotationStatus | undefined> {
    return this.#rotations.status(this.name);
  }

  /**
   * Follows it to its end, or to the place `last`, and answers with the phase. `at` is called once at each place
   * (`Confirm/Delivered`), before that gate is approved.
   * @param patience how long it may be at one place, in milliseconds
   */
  async follow(at: (place: string) => Promise<void>, last?: string, patience = patienceMs): Promise<string> {
    for (;;) {
      const { phase, place, status } = await until(`${this.name} is at a place it was not at before`, async () => this.#newPlace(), patience);
      this.seen.push(place);
      if (ends.includes(phase)) return phase;
      await at(place);
      if (place === last) return phase;
      const { gate } = status;
      if (gate !== undefined && gate !== '') await this.#change({ approved: [...new Set([...(this.#spec.approved ?? []), gate as (typeof everyGate)[number]])] });
    }
  }

  async abort(): Promise<void> {
    await this.#change({ abort: true });
  }

  async #newPlace(): Promise<{ readonly phase: string; readonly place: string; readonly status: CARotationStatus } | undefined> {
    const status = await this.status();
    const { phase, gate, direction } = status ?? {};
    if (status === undefined || phase === undefined) return undefined;
    const place = [phase, ...(gate === undefined || gate === '' ? [] : [gate]), ...(direction === 'Back' ? ['back'] : [])].join('/');
    // Who waits in vain hears of it.
    if (this.seen.includes(place)) throw new Error(`it is at ${place} still: ${status.conditions?.find(({ type }) => type === 'Progressing')?.message ?? ''}`);
    return { phase, place, status };
  }

  async #change(more: Partial<CARotationSpec>): Promise<void> {
    this.#spec = { ...this.#spec, ...more };
    await this.#rotations.request(this.name, this.#spec);
  }
}
