import type { X509Certificate } from 'node:crypto';
import type { MemoryStore } from '../../../src/store/memory/index.ts';
import type { Random } from '../../model/random.ts';
import { certificate } from '../../model/oracle.ts';

interface Side {
  readonly chainPem: string;
  readonly caPem: string;
}

/** Why `verifier` refuses `holder`, by node:crypto and nothing of the product; undefined when it takes it. */
export function refusal(holder: Side, verifier: Side, nowMs: number): string | undefined {
  const [leaf, issuing] = split(holder.chainPem);
  const roots = split(verifier.caPem);
  if (leaf === undefined || issuing === undefined) return 'no chain';
  for (const one of [leaf, issuing]) {
    if (nowMs < one.validFromDate.getTime() || nowMs >= one.validToDate.getTime()) return `${one.subject} is not valid now`;
  }
  if (!verified(leaf, issuing)) return 'the leaf is not signed by its issuing authority';
  const root = roots.find((each) => verified(issuing, each));
  if (root === undefined) return 'the issuing authority is signed by no root that is trusted';
  return nowMs >= root.validToDate.getTime() ? 'the root has ended' : undefined;
}

const verdicts = new Map<string, boolean>();

function verified(child: X509Certificate, parent: X509Certificate): boolean {
  const key = `${child.fingerprint256} ${parent.fingerprint256}`;
  let verdict = verdicts.get(key);
  if (verdict === undefined) verdicts.set(key, (verdict = child.verify(parent.publicKey)));
  return verdict;
}

function split(pem: string): X509Certificate[] {
  const begin = '-----BEGIN CERTIFICATE-----';
  return pem.split(begin).slice(1).map((part) => certificate(begin + part));
}

interface Consumer {
  readonly place: string;
  /** How late it sees a change, and then loads it. */
  readonly seesMs: number;
  readonly loadsMs: number;
  seen: (Side & { readonly sinceMs: number })[];
  loaded: Side | undefined;
}

/**
 * Consumers of Secrets, each as late as its bounds allow, that shake hands with each other, both ways. What was in a Secret
 * stays with its consumer when the Secret goes.
 */
export class Fleet {
  /** Handshakes that failed, in words. */
  readonly failures: string[] = [];
  handshakes = 0;
  readonly #store: MemoryStore;
  readonly #random: Random;
  readonly #bounds: { readonly propagationMs: number; readonly reloadMs: number };
  readonly #consumers = new Map<string, Consumer>();

  constructor(store: MemoryStore, random: Random, bounds: { readonly propagationMs: number; readonly reloadMs: number }) {
    this.#store = store;
    this.#random = random;
    this.#bounds = bounds;
  }

  /** Lets every consumer see and load what is due, and shakes hands among all of them. */
  shakeHands(nowMs: number): void {
    for (const secret of this.#store.all('Secret')) {
      if (secret.metadata.namespace !== 'shop') continue;
      const place = secret.metadata.name;
      const text = (file: string): string => Buffer.from(secret.data[file] ?? '', 'base64').toString('utf8');
      this.#see(place, { chainPem: text('tls.crt'), caPem: text('ca.crt') }, nowMs);
    }
    const loaded = [...this.#consumers.values()].map((consumer) => this.#load(consumer, nowMs));
    for (const server of loaded) for (const client of loaded) this.#shake(server, client, nowMs);
  }

  #see(place: string, now: Side, nowMs: number): void {
    let consumer = this.#consumers.get(place);
    if (consumer === undefined) {
      const late = (boundMs: number): number => this.#random.pick([0, boundMs / 2, boundMs - 1000]);
      consumer = { place, seesMs: late(this.#bounds.propagationMs), loadsMs: late(this.#bounds.reloadMs), seen: [], loaded: undefined };
      this.#consumers.set(place, consumer);
    }
    const last = consumer.seen.at(-1);
    if (last?.chainPem !== now.chainPem || last.caPem !== now.caPem) consumer.seen.push({ ...now, sinceMs: nowMs });
  }

  /** The newest that is old enough. */
  #load(consumer: Consumer, nowMs: number): Consumer & { readonly loaded: Side } {
    const due = consumer.seen.filter(({ sinceMs }) => nowMs >= sinceMs + consumer.seesMs + consumer.loadsMs);
    const newest = due.at(-1) ?? consumer.loaded ?? consumer.seen[0];
    consumer.loaded = newest;
    consumer.seen = consumer.seen.filter((each) => each === newest || !due.includes(each as never));
    return consumer as Consumer & { readonly loaded: Side };
  }

  #shake(server: Consumer & { readonly loaded: Side }, client: Consumer & { readonly loaded: Side }, nowMs: number): void {
    this.handshakes += 1;
    const why = refusal(server.loaded, client.loaded, nowMs);
    if (why !== undefined) this.failures.push(`${new Date(nowMs).toISOString()} ${client.place} refuses ${server.place}: ${why}`);
  }
}
