import { beforeAll, expect, test, vi } from 'vitest';
import type { ControllerContext } from '../../src/controllers/index.ts';
import type { Secret } from '../../src/resources/index.ts';
import type { Store } from '../../src/store/port.ts';
import { orderWebCrypto } from './crypto-order.ts';
import { fillKeyPools } from './key-pool.ts';
import { runSeed } from './run.ts';
import type { Sabotage } from './world.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/**
 * The same reconcilers with one defect each, put in from outside. A simulation that lets one of them pass would let the same
 * defect pass in earnest.
 */

/** A store of which some calls are done differently. */
const store = (change: (inner: Store) => Partial<Store>): Sabotage => ({ wrapStore: (inner) => ({ ...inner, ...change(inner) }) });
const context = (change: (inner: ControllerContext) => Partial<ControllerContext>): Sabotage => ({ wrapContext: (inner) => ({ ...inner, ...change(inner) }) });

const isSecret = (object: { readonly kind: string }): object is Secret => object.kind === 'Secret';
const isPair = (object: { readonly kind: string }): object is Secret => isSecret(object) && object.data['tls.crt'] !== undefined;
const isRecord = (object: { readonly kind: string }): object is Secret => isSecret(object) && object.data['record.json'] !== undefined;

/** Changes every object of a kind on its way to the reconcilers. */
const seenAs = (kind: string, change: (object: never) => unknown): Sabotage =>
  store((inner) => ({
    watch: (watched, selector, handler, signal) => {
      if (watched !== kind) return inner.watch(watched, selector, handler, signal);
      const see = <T>(object: T): T => change(object as never) as T;
      return inner.watch(watched, selector, { ...handler, snapshot: (objects) => handler.snapshot(objects.map(see)), upsert: (object) => handler.upsert(see(object)), remove: (last) => handler.remove(last) }, signal);
    },
  }));

const written = (change: (object: Secret) => Secret, which = isPair): Sabotage =>
  store((inner) => ({
    write: (object, expect) => inner.write(which(object as never) ? (change(object as never) as never) : object, expect),
  }));

const mutants: readonly (readonly [defect: string, sabotage: Sabotage, caught: RegExp])[] = [
  ['a policy that allows every DNS name', seenAs('TrustDomain', (object: { spec: object }) => ({ ...object, spec: { ...object.spec, dnsNames: { allowedPatterns: ['*.*.*', '*.*'] } } })), /outside policy/u],
  ['a policy without a longest TTL', seenAs('TrustDomain', (object: { spec: { svid?: object } }) => ({ ...object, spec: { ...object.spec, svid: { ...object.spec.svid, maxTTL: '24h' } } })), /outside policy|should say Denied|another certificate/u],
  ['a store that takes the place of what is there', store((inner) => ({
    write: async (object, expect) => {
      if (expect === 'absent') {
        const key = { kind: object.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name } as never;
        const known = (await inner.get(key)) as Secret | undefined;
        if (known !== undefined) await inner.delete(key, known.metadata);
        return inner.write(object, expect);
      }
      const known = await inner.get({ kind: object.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name });
      return inner.write(object, known === undefined ? 'absent' : ((known as Secret).metadata as never));
    },
  })), /somebody else's/u],
  ['a Secret with an empty key', written((secret) => ({ ...secret, data: { ...secret.data, 'tls.key': '' } })), /no valid pair/u],
  ['a credential bundle of the last pair', (() => {
    let last: string | undefined;
    return written((secret) => {
      const bundle = last ?? secret.data['credential-bundle.pem'] ?? '';
      last = secret.data['credential-bundle.pem'];
      return { ...secret, data: { ...secret.data, 'credential-bundle.pem': bundle } };
    });
  })(), /another pair/u],
  ['a clock that is an hour ahead when it signs', context((inner) => ({ lease: { ...inner.lease, permits: () => true }, clock: { ...inner.clock, nowMs: () => inner.clock.nowMs() + 3_600_000 } })), /outside policy|not valid now|later/u],
  ['a status that is never written', store(() => ({ patchStatus: async () => Promise.reject(new Error('dropped')) })), /no conditions/u],
  ['a watch that loses one delta in three for ever', store((inner) => ({
    watch: (kind, selector, handler, signal) => {
      let count = 0;
      inner.watch(kind, selector, { ...handler, snapshot: (objects) => handler.snapshot(objects), remove: (last) => handler.remove(last), upsert: (object) => void ((count += 1) % 3 === 0 || handler.upsert(object)) }, signal);
    },
  })), /did not heal|should say|should be ready|another generation|restart|no conditions|another certificate/u],
  ['a root that is made anew when the record cannot be read', store((inner) => ({
    get: async (key) => {
      const found = await inner.get(key);
      return found !== undefined && isRecord(found) && Buffer.from(found.data['record.json'] ?? '', 'base64').includes('"signerEpoch": 2') ? undefined : found;
    },
  })), /did not heal|made anew|never comes to rest|should be ready/u],
  ['an identity of another name', written((secret) => ({ ...secret, metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, 'mtlsd.io/identity': 'web' } } })), /issued for|outside policy|restart|should/u],
];

beforeAll(async () => {
  orderWebCrypto();
  await fillKeyPools();
});

/** The check that is meant for a defect must see it in one of the seeds; that another check is faster in some says nothing against it. */
test.each(mutants)('%s is caught within 240 seeds', async (_defect, sabotage, caught) => {
  const messages: string[] = [];
  for (let seed = 1; seed <= 240 && !messages.some((message) => caught.test(message)); seed += 1) {
    await runSeed(seed, sabotage).catch((error: unknown) => messages.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown'));
  }
  expect(messages).toContainEqual(expect.stringMatching(caught));
});
