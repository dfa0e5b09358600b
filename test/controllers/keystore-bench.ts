import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ControllerContext, FileReading } from '../../src/controllers/index.ts';
import type { Condition, Secret, WorkloadIdentity, WorkloadIdentitySpec } from '../../src/resources/index.ts';
import { openPkcs12, parsePem } from '../../src/x509/index.ts';
import { Random } from '../model/random.ts';
import { putIdentity, putTrustDomain } from '../model/users.ts';
import { World } from '../model/world.ts';

export const minuteMs = 60_000;
/** `spec.formats` on the real reconcilers and the memory store in virtual time: identity `shop/cart`, password in Secret `shop/store`. */
export class KeystoreBench {
  readonly world: World;
  readonly told: string[] = [];
  readonly files = new Map<string, FileReading>();
  reads = 0;

  private constructor(place: 'cluster' | 'standalone') {
    this.world = new World(new Random(1), { wrapContext: (context) => this.#placed(context, place) });
  }

  static async start(place: 'cluster' | 'standalone'): Promise<KeystoreBench> {
    const bench = new KeystoreBench(place);
    const { world } = bench;
    if (place === 'cluster') {
      world.asUser('namespace', () => world.store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }));
      world.asUser('account', () => world.store.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'shop', name: 'cart' } }));
    }
    world.asUser('trust domain', () => putTrustDomain(world, 'a.example', { svid: { ttl: '2h' } }));
    bench.world.start();
    await bench.settle();
    return bench;
  }

  #placed(context: ControllerContext, place: 'cluster' | 'standalone'): ControllerContext {
    const hear = (...parameters: readonly unknown[]) => void this.told.push(JSON.stringify(parameters));
    const store: ControllerContext['store'] = {
      watch: (...parameters) => context.store.watch(...parameters),
      get: (key) => {
        if (key.name === 'store') this.reads += 1;
        return context.store.get(key);
      },
      write: (...parameters) => context.store.write(...parameters),
      patchStatus: (...parameters) => context.store.patchStatus(...parameters),
      delete: (...parameters) => context.store.delete(...parameters),
      serves: (kind) => context.store.serves(kind),
    };
    const told = { ...context, store, log: { debug: hear, info: hear, warn: hear, error: hear }, events: { record: (_: unknown, event: unknown) => hear(event) }, audit: { record: hear } };
    if (place === 'cluster') return { ...told, cluster: { secretNamespaces: undefined, configMapBundles: false, clusterTrustBundles: false } };
    return { ...told, readPasswordFile: async (path) => this.files.get(path) ?? { problem: 'there is no such file; create it' } };
  }

  /** At rest: keys are derived outside of virtual time, so what is in flight may wait for them. */
  async settle(): Promise<void> {
    for (let idle = false; !idle; ) {
      await this.world.drain();
      const whenIdle = this.world.process?.controllers?.whenIdle().then(() => true);
      idle = (await Promise.race([whenIdle, nextTurn(false)])) ?? false;
    }
    await this.world.drain();
  }

  async pass(ms: number, strideMs = minuteMs): Promise<void> {
    for (let left = ms; left > 0; left -= strideMs) {
      await this.world.advance(Math.min(left, strideMs));
      await this.settle();
    }
  }

  put(formats: WorkloadIdentitySpec['formats']): void {
    this.world.asUser('put cart', () => putIdentity(this.world, 'shop', 'cart', formats === undefined ? {} : { formats }));
  }

  password(value: string, key = 'password', annotations: Record<string, string> = {}): void {
    const data = { [key]: Buffer.from(value).toString('base64') };
    this.world.asUser('put the password', () => this.world.store.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name: 'store', annotations }, type: 'Opaque', data }));
  }

  removePassword(): void {
    this.world.asUser('remove the password', () => this.world.store.remove({ kind: 'Secret', namespace: 'shop', name: 'store' }));
  }

  edit(change: (secret: Secret) => Partial<Secret>): void {
    this.world.asUser('edit the Secret', () => this.world.store.edit<'Secret'>({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' }, (current) => ({ ...current, ...change(current) })));
  }

  get identity(): WorkloadIdentity {
    const found = this.world.store.peek({ kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart' });
    if (found === undefined) throw new Error('no identity');
    return found;
  }

  get data(): Readonly<Record<string, string>> {
    return this.world.store.peek({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' })?.data ?? {};
  }

  get writes(): { readonly secrets: number; readonly identityStatus: number } {
    const { secrets, identityStatus } = this.world.checks.writes;
    return { secrets, identityStatus };
  }

  condition(type: 'Ready' | 'Issued' | 'Formats'): Pick<Condition, 'status' | 'reason' | 'message'> | undefined {
    return this.identity.status?.conditions?.find((condition) => condition.type === type);
  }

  bytes(name: string): Buffer {
    return Buffer.from(this.data[name] ?? '', 'base64');
  }

  /** Opens both keystores and holds them to the PEM files beside them. */
  async expectStores(password: string): Promise<void> {
    const ders = (name: string): readonly Uint8Array[] => parsePem(this.bytes(name).toString()).map(({ der }) => der);
    const { entries } = await openPkcs12(this.bytes('keystore.p12'), password);
    expect(entries.map(({ chain }) => chain.map(({ der }) => der))).toEqual([ders('tls.crt')]);
    expect(entries[0]?.privateKey?.export({ type: 'pkcs8', format: 'pem' })).toBe(this.bytes('tls.key').toString());
    const { trusted } = await openPkcs12(this.bytes('truststore.p12'), password);
    expect(trusted.map(({ certificate }) => certificate.der)).toEqual(ders('ca.crt'));
  }
}
