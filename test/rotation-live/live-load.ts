/**
 * Workloads under load: their files come as late as the bounds allow, each later than another, and they shake hands all the
 * time. What is counted as failed is a handshake between two workloads that kept the bounds.
 */
import { mkdir } from 'node:fs/promises';
import { Fleet, type FleetSettings, type Refusal, type Report, type Source } from './fleet.ts';
import { OpenSslPeers } from './openssl-peers.ts';
import type { Environment } from '../cluster/places.ts';

/** How many workloads, and how fast they are. Times in milliseconds. */
export interface LoadSettings {
  readonly trustDomain: string;
  readonly names: readonly string[];
  /** The first names are Node's and OpenSSL's, the others Go's. */
  readonly nodeCount: number;
  readonly openSslCount: number;
  readonly propagationBoundMs: number;
  readonly consumerReloadMs: number;
  /** How long the slowest workloads take; what is left up to the bounds is for a machine that is busy. */
  readonly slowestDeliveryMs: number;
  readonly slowestReloadMs: number;
  readonly handshakesPerSecond: number;
  readonly restartsPerSecond: number;
}

/** What has happened since the load began. */
export interface LoadCounts {
  readonly ok: number;
  readonly byStack: { readonly go: number; readonly node: number; readonly openSsl: number };
  /** Those of `ok` whose two leaves chain to different roots (OpenSSL's are not looked at). */
  readonly crossed: number;
  readonly restarts: number;
  /** Handshakes that failed between two workloads that kept the bounds. */
  readonly failed: readonly Refusal[];
  /** Those of which one had been held back, or was slower than the bounds because the machine was. */
  readonly failedLate: readonly Refusal[];
  readonly late: readonly string[];
  readonly slowestDeliverMs: number;
  readonly slowestReloadMs: number;
}

/** The fleet of one trust domain. */
export class LiveLoad implements AsyncDisposable {
  readonly #go: Fleet;
  readonly #node: Fleet;
  readonly #openSsl: OpenSslPeers;
  #counts: Omit<LoadCounts, 'failed' | 'failedLate' | 'late'> = { ok: 0, byStack: { go: 0, node: 0, openSsl: 0 }, crossed: 0, restarts: 0, slowestDeliverMs: 0, slowestReloadMs: 0 };
  readonly #failed: Refusal[] = [];
  readonly #late = new Set<string>();

  private constructor(go: Fleet, node: Fleet, openSsl: OpenSslPeers) {
    this.#go = go;
    this.#node = node;
    this.#openSsl = openSsl;
  }

  /** Resolves when every workload has its files and handshakes have begun. @param delivered folder of the mounts */
  static async start(settings: LoadSettings, source: Source, delivered: string, env: Environment): Promise<LiveLoad> {
    const { names, nodeCount, openSslCount, handshakesPerSecond } = settings;
    await mkdir(delivered, { recursive: true });
    const part = (index: number): number => index / Math.max(1, names.length - 1);
    // Different orders, so that who is served late is not who reloads late.
    const delivery = names.map((name, index) => ({ name, delayMs: Math.round(settings.slowestDeliveryMs * part((index * 617) % names.length)) }));
    const workloads = names.map((name, index) => ({ name, reloadMs: Math.round(settings.slowestReloadMs * part((index * 389) % names.length)) }));
    const restartsPerSecond = settings.restartsPerSecond;
    const common = { trustDomain: settings.trustDomain, source, delivered, delivery, propagationBoundMs: settings.propagationBoundMs, consumerReloadMs: settings.consumerReloadMs };
    const share = (of: readonly FleetSettings['workloads'][number][]): FleetSettings => ({ ...common, workloads: of, restartsPerSecond: (restartsPerSecond * of.length) / names.length });
    const [go, node] = [await Fleet.go(env), Fleet.node(env)];
    const theirs = { openSsl: workloads.slice(0, openSslCount), node: workloads.slice(openSslCount, openSslCount + nodeCount), go: workloads.slice(openSslCount + nodeCount) };
    const [goPorts, nodePorts] = await Promise.all([go.start(share(theirs.go)), node.start(share(theirs.node))]);
    const peers = { ...goPorts, ...nodePorts };
    // Node's share is smaller than its number: it is slower, and the machine is for the daemon too.
    await Promise.all([go.shake(peers, handshakesPerSecond * 0.85), node.shake(peers, handshakesPerSecond * 0.15)]);
    const openSsl = await OpenSslPeers.start(delivered, settings.trustDomain, theirs.openSsl.map(({ name }) => name), peers);
    return new LiveLoad(go, node, openSsl);
  }

  /** The kubelet stops (or goes on) to deliver to these, which are late from then on. */
  async hold(names: readonly string[], held = true): Promise<void> {
    await this.#go.hold(names, held);
    for (const name of names) this.#late.add(name);
  }

  /** What every workload has loaded at this moment: by the root of its leaf, and by the number of roots in its bundle. */
  async look(): Promise<{ readonly counts: LoadCounts; readonly leaves: Readonly<Record<string, number>>; readonly bundles: Readonly<Record<string, number>> }> {
    const reports = { go: await this.#go.report(), node: await this.#node.report() };
    this.#add(reports.go, 'go');
    this.#add(reports.node, 'node');
    return { counts: this.#sum(), leaves: merged(reports.go.leaves, reports.node.leaves), bundles: merged(reports.go.bundles, reports.node.bundles) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#openSsl[Symbol.asyncDispose]();
    await this.#node[Symbol.asyncDispose]();
    await this.#go[Symbol.asyncDispose]();
  }

  #add(report: Report, stack: 'go' | 'node'): void {
    const before = this.#counts;
    this.#counts = {
      ok: before.ok + report.ok,
      byStack: { ...before.byStack, [stack]: before.byStack[stack] + report.ok },
      crossed: before.crossed + report.crossed,
      restarts: before.restarts + report.restarts,
      slowestDeliverMs: Math.max(before.slowestDeliverMs, report.slowestDeliverMs),
      slowestReloadMs: Math.max(before.slowestReloadMs, report.slowestReloadMs),
    };
    this.#failed.push(...report.failed);
    for (const name of report.late) this.#late.add(name);
  }

  #sum(): LoadCounts {
    const openSsl = this.#openSsl.ok;
    const failed = [...this.#failed, ...this.#openSsl.failed];
    const isLate = ({ client = '', server }: Refusal): boolean => this.#late.has(client) || this.#late.has(server);
    return {
      ...this.#counts,
      ok: this.#counts.ok + openSsl,
      byStack: { ...this.#counts.byStack, openSsl },
      failed: failed.filter((refusal) => !isLate(refusal)),
      failedLate: failed.filter(isLate),
      late: [...this.#late].sort(),
    };
  }
}

function merged(...counts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (const [key, value] of counts.flatMap((each) => Object.entries(each))) sum[key] = (sum[key] ?? 0) + value;
  return sum;
}
