/** A rotation that is asked for, as its owner follows and steers it. */
import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import { until } from '../standalone/wait.ts';
import type { Stage } from './stage.ts';

/** Every gate waits for a person, so that a rotation can be looked at, and its daemon killed, at each. */
const everyGate: NonNullable<CARotationSpec['approvals']> = ['Written', 'Delivered', 'Loaded', 'Fetched', 'Canary', 'Acknowledged', 'Reissued', 'Drained', 'Withdrawn'];
const ends: readonly string[] = ['Complete', 'Aborted', 'Superseded'];

export class RequestedRotation {
  readonly name: string;
  /** Phases and gates in the order in which they were seen: `Confirm/Delivered`. */
  readonly seen: string[] = [];
  readonly #stage: Stage;
  #spec: CARotationSpec;

  private constructor(stage: Stage, name: string, spec: CARotationSpec) {
    this.name = name;
    this.#stage = stage;
    this.#spec = spec;
  }

  /** Asks for the root of a trust domain to be rotated. */
  static async of(stage: Stage, name: string, trustDomain: string): Promise<RequestedRotation> {
    const [fromAuthority = ''] = await stage.roots(trustDomain);
    const rotation = new RequestedRotation(stage, name, { trustDomain, what: 'Root', fromAuthority, approvals: everyGate });
    await stage.request(name, rotation.#spec);
    return rotation;
  }

  async status(): Promise<CARotationStatus | undefined> {
    return this.#stage.status(this.name);
  }

  /** Follows it to its end, and answers with the last phase. `at` is called once at each place (`Confirm/Delivered`), before that gate is approved. */
  async follow(at: (place: string) => Promise<void>): Promise<string> {
    for (;;) {
      const { phase, place, status } = await until(`${this.name} is at a place it was not at before`, async () => this.#newPlace(), 240_000);
      this.seen.push(place);
      if (ends.includes(phase)) return phase;
      await at(place);
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
    return this.seen.includes(place) ? undefined : { phase, place, status };
  }

  async #change(more: Partial<CARotationSpec>): Promise<void> {
    this.#spec = { ...this.#spec, ...more };
    await this.#stage.request(this.name, this.#spec);
  }
}
