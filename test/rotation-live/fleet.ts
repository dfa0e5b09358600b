/** Workloads by the hundred in few processes, as the tests see them. What they do is told in `go/main.go`. */
import { join } from 'node:path';
import { LineProgram } from '../conformance/line-program.ts';
import { buildStep, ensureBuilt } from '../conformance/programs.ts';
import type { Environment } from '../cluster/places.ts';

/** Where the kubelet finds identities: in the daemon's folder, or in Secrets named NAME-mtls. */
export type Source =
  | { readonly folder: string; readonly names: readonly string[] }
  | { readonly server: string; readonly caFile: string; readonly token: string; readonly namespace: string; readonly names: readonly string[] };

/** What a process of the fleet is started with. Times in milliseconds. */
export interface FleetSettings {
  readonly trustDomain: string;
  readonly source: Source;
  /** One folder for each workload, as it is mounted. */
  readonly delivered: string;
  /** What the kubelet brings, and how late. The Go process is the kubelet; every process waits until all of these have files. */
  readonly delivery: readonly { readonly name: string; readonly delayMs: number }[];
  readonly workloads: readonly { readonly name: string; readonly reloadMs: number }[];
  readonly propagationBoundMs: number;
  readonly consumerReloadMs: number;
  readonly restartsPerSecond: number;
}

/** One end of a handshake that failed, with what it had loaded (key identifiers of roots, shortened). */
export interface Refusal {
  readonly client?: string;
  readonly server: string;
  readonly reason: string;
  readonly leafRoot: string;
  readonly roots: readonly string[];
}

/** What has happened in one process since its last report. */
export interface Report {
  readonly ok: number;
  /** Those of `ok` whose two leaves chain to different roots. */
  readonly crossed: number;
  readonly restarts: number;
  readonly failed: readonly Refusal[];
  /** What servers say of handshakes that failed. */
  readonly refused: readonly Refusal[];
  /** Who got or loaded something later than the bounds allow: it was held back, or the machine was too slow. */
  readonly late: readonly string[];
  readonly slowestDeliverMs: number;
  readonly slowestReloadMs: number;
  /** Workloads by the root of the leaf that they have loaded, and by the number of roots in the bundle. */
  readonly leaves: Readonly<Record<string, number>>;
  readonly bundles: Readonly<Record<string, number>>;
}

// No cgo: no C compiler is needed, and Go's own crypto is what shakes hands.
const buildEnvironment = { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };

/** Builds the Go fleet when the cache lacks it, and returns its path. @throws {Error} with the compiler's words */
async function goFleet(env: Environment): Promise<string> {
  const folder = await ensureBuilt(
    {
      source: '../rotation-live/go',
      inputs: [],
      build: async ({ source, folder, env: given }) =>
        buildStep(['go', 'build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', join(folder, 'fleet'), '.'], source, { ...given, ...buildEnvironment }),
    },
    env,
  );
  return join(folder, 'fleet');
}

/** One process of the fleet. */
export class Fleet implements AsyncDisposable {
  readonly #program: LineProgram;

  private constructor(program: LineProgram) {
    this.#program = program;
  }

  /** The Go process, which is the kubelet too. */
  static async go(env: Environment): Promise<Fleet> {
    return new Fleet(new LineProgram([await goFleet(env)], env));
  }

  static node(env: Environment): Fleet {
    return new Fleet(new LineProgram([process.execPath, join(import.meta.dirname, 'node-fleet.ts')], env));
  }

  /** Resolves with the port of each workload when all of them serve. */
  async start(settings: FleetSettings): Promise<Readonly<Record<string, number>>> {
    return (await this.#program.ask<{ ports: Record<string, number> }>({ do: 'start', ...settings })).ports;
  }

  /** Handshakes from random workloads of this process to random ones of all, until it is disposed of. */
  async shake(peers: Readonly<Record<string, number>>, perSecond: number): Promise<void> {
    await this.#program.ask({ do: 'shake', peers, perSecond });
  }

  async report(): Promise<Report> {
    return this.#program.ask<Report>({ do: 'report' });
  }

  /** Delivers nothing to these any more, or again. */
  async hold(names: readonly string[], held = true): Promise<void> {
    await this.#program.ask({ do: held ? 'hold' : 'release', names });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}
