import type { ControllerContext } from '../../src/controllers/index.ts';
import type { Secret, TrustDomainSpec, WorkloadIdentity, WorkloadIdentitySpec } from '../../src/resources/index.ts';
import { orderWebCrypto } from '../model/crypto-order.ts';
import { fillKeyPools } from '../model/key-pool.ts';
import { readPair, type ReadPair } from '../model/oracle.ts';
import { Random } from '../model/random.ts';
import { putIdentity, putTrustDomain } from '../model/users.ts';
import { World } from '../model/world.ts';

/** The real reconcilers on the memory store in virtual time, without faults: what the lessons are shown on. */

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;

/** Lives that are over soon. */
export const short = { rootAuthority: { lifetime: '48h' }, issuingAuthority: { lifetime: '8h' }, svid: { ttl: '1h', maxTTL: '4h' } };

/** Everything that the reconcilers have told anybody. */
export interface Told {
  readonly lines: string[];
}

export interface Bench {
  readonly world: World;
  readonly told: Told;
  /** Lets time pass in strides and does what becomes due. */
  pass(ms: number, strideMs?: number): Promise<void>;
  identity(name: string): WorkloadIdentity;
  reason(name: string, type?: 'Ready' | 'Issued'): string | undefined;
  secret(name: string): Secret | undefined;
  pair(name: string): ReadPair;
  put(name: string, spec?: WorkloadIdentitySpec): void;
  domain(spec?: TrustDomainSpec, annotations?: Record<string, string>): void;
}

/** A bench with the trust domain `a.example` in namespace `shop`, started and at rest. @param more what its processes have besides */
export async function startBench(spec: TrustDomainSpec | undefined = {}, more: Partial<ControllerContext> = {}): Promise<Bench> {
  orderWebCrypto();
  await fillKeyPools();
  const told: Told = { lines: [] };
  const world = new World(new Random(1), { wrapContext: (context) => ({ ...listening(context, told), ...more }) });
  const bench: Bench = {
    world,
    told,
    async pass(ms, strideMs = minuteMs) {
      for (let left = ms; left > 0; left -= strideMs) {
        await world.advance(Math.min(left, strideMs));
        await world.drain();
      }
    },
    identity(name) {
      const found = world.store.peek({ kind: 'WorkloadIdentity', namespace: 'shop', name });
      if (found === undefined) throw new Error(`no identity ${name}`);
      return found;
    },
    reason: (name, type = 'Issued') => bench.identity(name).status?.conditions?.find((condition) => condition.type === type)?.reason,
    secret: (name) => world.store.peek({ kind: 'Secret', namespace: 'shop', name }),
    pair(name) {
      const secret = bench.secret(name);
      if (secret === undefined) throw new Error(`no Secret ${name}`);
      return readPair(secret);
    },
    put: (name, identity = {}) => world.asUser(`put ${name}`, () => putIdentity(world, 'shop', name, identity)),
    domain: (domain = {}, annotations) => world.asUser('put a.example', () => putTrustDomain(world, 'a.example', domain, annotations)),
  };
  if (spec !== undefined) bench.domain(spec);
  world.start();
  await world.drain();
  return bench;
}

/** The authority record of `a.example`. */
export function record(bench: Bench): Secret | undefined {
  return bench.world.store.peek({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' });
}

/** What its record holds. */
export function authorities(bench: Bench): readonly { role: string; keyIdentifier: string; certificate: string }[] {
  const text = Buffer.from(record(bench)?.data['record.json'] ?? '', 'base64').toString('utf8');
  return (JSON.parse(text) as { authorities: { role: string; keyIdentifier: string; certificate: string }[] }).authorities;
}

/** Key identifiers of its roots. */
export const roots = (bench: Bench): readonly string[] => authorities(bench).filter(({ role }) => role === 'Root').map(({ keyIdentifier }) => keyIdentifier);

/** Its condition `Ready`. */
export function domainCondition(bench: Bench) {
  return bench.world.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status?.conditions?.find(({ type }) => type === 'Ready');
}

/** A user deletes an identity. */
export function removeIdentity(bench: Bench, name: string): void {
  bench.world.asUser(`remove ${name}`, () => bench.world.store.remove({ kind: 'WorkloadIdentity', namespace: 'shop', name }));
}

/** The process dies, and another one begins and comes to rest. */
export async function restart(bench: Bench): Promise<void> {
  bench.world.crash();
  bench.world.start();
  await bench.world.drain();
}

function listening(context: ControllerContext, told: Told): ControllerContext {
  const hear = (channel: string) => (...parameters: readonly unknown[]) => void told.lines.push(`${channel} ${JSON.stringify(parameters)}`);
  return {
    ...context,
    log: { debug: hear('debug'), info: hear('info'), warn: hear('warn'), error: hear('error') },
    events: { record: (target, event) => hear('event')(target.metadata.name, event) },
    metrics: { issued: hear('metric'), reconciled: hear('metric'), storeInterrupted: hear('metric'), queueDepth: hear('metric') },
    audit: {
      record: (record) => {
        hear('audit')(record);
        context.audit.record(record);
      },
    },
  };
}
