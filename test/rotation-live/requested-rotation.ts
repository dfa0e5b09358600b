/** A rotation that is asked for in the folder of requests, as its owner follows and steers it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import type { Sandbox } from '../standalone/sandbox.ts';
import { until } from '../standalone/wait.ts';

/** Every gate waits for a person, so that a rotation can be looked at, and its daemon killed, at each. */
const everyGate: NonNullable<CARotationSpec['approvals']> = ['Written', 'Delivered', 'Loaded', 'Fetched', 'Canary', 'Acknowledged', 'Reissued', 'Drained', 'Withdrawn'];
const ends: readonly string[] = ['Complete', 'Aborted', 'Superseded'];

interface RecordFile {
  readonly authorities: readonly { readonly keyIdentifier: string; readonly role: string; readonly state: string }[];
}

/** The roots of a trust domain that the record holds, the active one first. */
export function rootsInRecord(sandbox: Sandbox, trustDomain: string): readonly string[] {
  const { data } = JSON.parse(readFileSync(sandbox.record(trustDomain), 'utf8')) as { data: Record<string, string> };
  const { authorities } = JSON.parse(Buffer.from(data['record.json'] ?? '', 'base64').toString('utf8')) as RecordFile;
  const roots = authorities.filter(({ role }) => role === 'Root');
  return [...roots.filter(({ state }) => state === 'Active'), ...roots.filter(({ state }) => state !== 'Active')].map(({ keyIdentifier }) => keyIdentifier);
}

export class RequestedRotation {
  readonly name: string;
  /** Phases and gates in the order in which they were seen: `Confirm/Delivered`. */
  readonly seen: string[] = [];
  readonly #sandbox: Sandbox;
  #spec: CARotationSpec;

  constructor(sandbox: Sandbox, name: string, spec: Omit<CARotationSpec, 'what' | 'fromAuthority'>) {
    this.name = name;
    this.#sandbox = sandbox;
    this.#spec = { what: 'Root', fromAuthority: rootsInRecord(sandbox, spec.trustDomain)[0] ?? '', approvals: everyGate, ...spec };
    this.#write();
  }

  get status(): CARotationStatus | undefined {
    const text = readFileSync(join(this.#sandbox.out, 'status/CARotation', `${this.name}.yaml`), 'utf8');
    return (parse(text) as { status?: CARotationStatus }).status;
  }

  /** Follows it to its end, and answers with the last phase. `at` is called once at each place (`Confirm/Delivered`), before that gate is approved. */
  async follow(at: (place: string, status: CARotationStatus) => Promise<void>): Promise<string> {
    for (;;) {
      const { phase, place, status } = await until(`${this.name} is at a place it was not at before`, () => this.#newPlace(), 240_000);
      this.seen.push(place);
      if (ends.includes(phase)) return phase;
      await at(place, status);
      const { gate } = status;
      if (gate !== undefined && gate !== '') this.#change({ approved: [...new Set([...(this.#spec.approved ?? []), gate as (typeof everyGate)[number]])] });
    }
  }

  abort(): void {
    this.#change({ abort: true });
  }

  #newPlace(): { readonly phase: string; readonly place: string; readonly status: CARotationStatus } | undefined {
    const { status } = this;
    const { phase, gate, direction } = status ?? {};
    if (status === undefined || phase === undefined) return undefined;
    const place = [phase, ...(gate === undefined || gate === '' ? [] : [gate]), ...(direction === 'Back' ? ['back'] : [])].join('/');
    return this.seen.includes(place) ? undefined : { phase, place, status };
  }

  #change(more: Partial<CARotationSpec>): void {
    this.#spec = { ...this.#spec, ...more };
    this.#write();
  }

  #write(): void {
    const object = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: this.name }, spec: this.#spec };
    const file = join(this.#sandbox.root, `${this.name}.new`);
    writeFileSync(file, JSON.stringify(object), { mode: 0o600 });
    renameSync(file, join(this.#sandbox.out, 'requests', `${this.name}.json`));
  }
}
