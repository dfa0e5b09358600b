import type { Log } from '../telemetry/index.ts';

/**
 * Notices that the API server does not keep all of a status: its definition of the kind is older than this mtlsd. Told once
 * for each field: everything works on, but what the field would say is not seen.
 */
export class OlderDefinitions {
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Compares a status as it was sent with the one that was stored. */
  note(kind: string, sent: object, stored: object | undefined): void {
    for (const [field, value] of Object.entries(sent)) {
      const name = `${kind} status.${field}`;
      if (value === undefined || stored === undefined || field in stored || this.#told.has(name)) continue;
      this.#told.add(name);
      this.#log.warn(`the CustomResourceDefinition of ${kind} does not know status.${field}: it is older than this mtlsd. Bring it up to date: kubectl apply -f crds/`);
    }
  }
}
