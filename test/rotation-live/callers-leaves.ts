/** What callers of the API hold, and whom it lets them trust, looked at again and again. */
import type { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCertificate } from '../../src/x509/index.ts';
import { Identity, type Pair } from '../standalone/identity.ts';
import { until } from '../standalone/wait.ts';

const pauseMs = 200;
/** Callers ask again when half of a life is over. */
const patienceMs = 300_000;

/** A leaf that somebody held. */
interface Leaf {
  readonly folder: string;
  readonly serial: string;
  readonly root: string;
  readonly notAfterMs: number;
}

export class CallersLeaves {
  looks = 0;
  /** Leaves that were in force while a folder in use did not trust their root any more, or not yet. */
  readonly cutOff: string[] = [];
  readonly #folders: Identity[];
  readonly #leaves = new Map<string, Leaf>();
  /** DER of each root that was delivered, by key identifier. */
  readonly #roots = new Map<string, Uint8Array>();
  readonly #ended = new AbortController();
  readonly #looking: Promise<void>;

  /** @param folders of callers and workloads that are kept fresh */
  constructor(folders: readonly string[]) {
    this.#folders = folders.map((folder) => new Identity(folder));
    this.#looking = this.#watch();
  }

  /** Leaves seen. */
  get seen(): number {
    return this.#leaves.size;
  }

  /** Roots that any of them was below. */
  get issuers(): number {
    return new Set([...this.#leaves.values()].map(({ root }) => root)).size;
  }

  get roots(): ReadonlyMap<string, Uint8Array> {
    return this.#roots;
  }

  /** A folder that nobody keeps fresh: it is in use until its leaf ends. */
  follow(folder: string): void {
    this.#folders.push(new Identity(folder));
  }

  /** When the last leaf below a root ends that anybody was seen to hold; 0: there was none. */
  lastEndMs(root: string): number {
    return Math.max(0, ...[...this.#leaves.values()].filter((leaf) => leaf.root === root).map(({ notAfterMs }) => notAfterMs));
  }

  /** Waits until each folder in use has a leaf below `root`, and trusts nobody else. */
  async settle(root: string): Promise<void> {
    await until(`everybody trusts ${root} alone`, () => this.#inUse().every(({ pair }) => rootOf(pair) === root && pair.roots.length === 1 && rootsOf(pair.bundleJson).length === 1), patienceMs);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#looking;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      this.#look();
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Leaves are read before bundles: one that was gone by then cut off nobody. */
  #look(): void {
    const nowMs = Date.now();
    for (const { folder, pair } of this.#inUse()) {
      const { leaf, notAfterMs } = pair;
      this.#leaves.set(leaf.serialNumber, { folder, serial: leaf.serialNumber, root: rootOf(pair), notAfterMs });
    }
    const live = [...this.#leaves.values()].filter(({ notAfterMs }) => notAfterMs > nowMs);
    for (const { folder, pair } of this.#inUse()) {
      for (const root of pair.roots) this.#roots.set(nameOf(root), root.raw);
      const [inPem, inJson] = [pair.roots.map(nameOf), rootsOf(pair.bundleJson)];
      for (const leaf of live) {
        if (inPem.includes(leaf.root) && inJson.includes(leaf.root)) continue;
        this.cutOff.push(`${folder} does not trust ${leaf.serial} of ${leaf.folder}, below ${leaf.root}, which ends in ${(leaf.notAfterMs - Date.now()) / 1000} s`);
      }
    }
    this.looks += 1;
  }

  #inUse(): readonly { readonly folder: string; readonly pair: Pair }[] {
    return this.#folders.flatMap((identity) => {
      const pair = read(identity);
      return pair === undefined ? [] : [{ folder: identity.folder, pair }];
    });
  }
}

/** Undefined once its leaf has ended, and in the moment in which its folder changes. */
function read(identity: Identity): Pair | undefined {
  try {
    return identity.read();
  } catch {
    return undefined;
  }
}

function rootOf({ issuing }: Pair): string {
  return parseCertificate(issuing.raw).authorityKeyIdentifier ?? '';
}

function nameOf(root: X509Certificate): string {
  return parseCertificate(root.raw).subjectKeyIdentifier ?? '';
}

/** Key identifiers of the roots in a SPIFFE bundle. */
function rootsOf(bundle: string): readonly string[] {
  const { keys } = JSON.parse(bundle) as { readonly keys: readonly { readonly use: string; readonly x5c?: readonly string[] }[] };
  return keys.flatMap(({ use, x5c: [certificate = ''] = [] }) => (use === 'x509-svid' ? [parseCertificate(Buffer.from(certificate, 'base64')).subjectKeyIdentifier ?? ''] : []));
}
