import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/port.ts';
import { failure, generationOf, pair, precondition, record, tree, Workbench } from './workbench.ts';

/** The process ends here: after this, no call reaches the disk any more. */
class PowerCut extends Error {}

/** Lets `calls` changes of the file system through, then ends the process. */
function cutAfter(calls: number): { readonly probe: (when: 'before' | 'after') => void; readonly dead: () => boolean } {
  let left = calls;
  return {
    probe: (when) => {
      if (left <= 0) throw new PowerCut();
      if (when === 'after') left -= 1;
      if (left <= 0) throw new PowerCut();
    },
    dead: () => left <= 0,
  };
}

interface Scenario {
  readonly name: string;
  /** What is there before the process that will die starts. */
  readonly before: (store: Store) => Promise<void>;
  readonly act: (store: Store) => Promise<void>;
  /** Whether what a reader finds is one of the states that may be. */
  readonly check: (bench: Workbench) => void;
}

const secretKey = { kind: 'Secret', namespace: 'shop', name: 'cart-mtls' } as const;
const mapKey = { kind: 'ConfigMap', namespace: 'shop', name: 'mtlsd-bundle' } as const;
const bundle = (text: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name: 'mtlsd-bundle' }, data: { 'ca.crt': text } }) as const;
const recordKey = { kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-shop.example' } as const;

const oneOf = (bench: Workbench, ...generations: (string | undefined)[]) => expect(generations).toContain(generationOf(bench.identity('cart')));

const scenarios: readonly Scenario[] = [
  {
    name: 'a first issuance',
    before: async () => undefined,
    act: async (store) => {
      if ((await store.get(secretKey)) === undefined) await store.write(pair('cart', 1), 'absent');
    },
    check: (bench) => oneOf(bench, undefined, '1'),
  },
  {
    name: 'a renewal',
    before: async (store) => void (await store.write(pair('cart', 1), 'absent')),
    act: async (store) => {
      const current = await store.get(secretKey);
      if (current !== undefined) await store.write(pair('cart', 2), precondition(current));
    },
    check: (bench) => oneOf(bench, '1', '2'),
  },
  {
    name: 'a renewal with other files',
    before: async (store) => void (await store.write({ ...pair('cart', 1), data: { ...pair('cart', 1).data, 'old.pem': '' } }, 'absent')),
    act: async (store) => {
      const current = await store.get(secretKey);
      if (current !== undefined) await store.write({ ...pair('cart', 2), data: { ...pair('cart', 2).data, 'new.pem': '' } }, precondition(current));
    },
    check: (bench) => oneOf(bench, '1', '2'),
  },
  {
    name: 'a deletion',
    before: async (store) => void (await store.write(pair('cart', 1), 'absent')),
    act: async (store) => {
      const current = await store.get(secretKey);
      if (current !== undefined) await store.delete(secretKey, precondition(current));
    },
    check: (bench) => oneOf(bench, undefined, '1'),
  },
  {
    name: 'a change of an authority record',
    before: async (store) => void (await store.write(record('epoch 1'), 'absent')),
    act: async (store) => {
      const current = await store.get(recordKey);
      if (current !== undefined) await store.write(record('epoch 2'), precondition(current));
    },
    check: () => undefined,
  },
  {
    name: 'a new bundle',
    before: async (store) => void (await store.write(bundle('old roots'), 'absent')),
    act: async (store) => {
      const current = await store.get(mapKey);
      if (current !== undefined) await store.write(bundle('new roots'), precondition(current));
    },
    check: () => undefined,
  },
];

describe('L4: the process ends between any two changes of the file system', () => {
  test.each(scenarios)('during $name', async ({ before, act, check }) => {
    let points = 0;
    for (let calls = 1; ; calls += 1) {
      using bench = new Workbench();
      const first = await bench.open();
      await before(first);
      const stateBefore = await states(first);
      await first.close();

      let cut: ReturnType<typeof cutAfter> | undefined;
      // Starting writes too: the cut counts from the moment the store is open.
      const dying = await bench.open({ probe: (when) => cut?.probe(when) });
      cut = cutAfter(calls);
      const outcome = await act(dying).then(() => 'done' as const, (error: unknown) => error);
      check(bench);
      const finished = outcome === 'done' && !cut.dead();
      const release = cut;
      cut = undefined;
      await dying.close();
      expect(release).toBeDefined();

      const next = await bench.open();
      check(bench);
      const found = await states(next);
      await act(next);
      const stateAfter = await states(next);
      expect([stateBefore, stateAfter]).toContain(found);
      expect(leftovers(bench)).toEqual([]);
      await next.close();
      points += 1;
      if (finished) break;
      expect(outcome === 'done' || outcome instanceof PowerCut).toBe(true);
    }
    expect(points).toBeGreaterThan(3);
  });

  test('while the folders are made for the first time', async () => {
    for (let calls = 1; calls < 200; calls += 1) {
      using bench = new Workbench();
      bench.manifest('td.yaml', 'apiVersion: mtlsd.io/v1alpha1\nkind: TrustDomain\nmetadata: {name: shop.example}\n');
      const cut = cutAfter(calls);
      const died = await bench.open({ probe: cut.probe }).then(async (store) => store.close().then(() => cut.dead()), () => true);
      const next = await bench.open();
      expect((await next.get({ kind: 'TrustDomain', name: 'shop.example' }))?.metadata.generation).toBe(1);
      expect(leftovers(bench)).toEqual([]);
      await next.close();
      if (!died) return;
    }
    throw new Error('it never came to an end');
  });
});

/** What the store says is there: contents only, as uids and versions differ between attempts. */
async function states(store: Store): Promise<string> {
  const data = async (key: typeof secretKey | typeof recordKey | typeof mapKey) => JSON.stringify((await store.get(key))?.data ?? null);
  return [await data(secretKey), await data(recordKey), await data(mapKey)].join('\n');
}

/** Files that nobody will ever read again. */
function leftovers(bench: Workbench): readonly string[] {
  const temporary = [bench.out, bench.state].flatMap((folder) => tree(folder)).filter((path) => /(?:^|\/)(?:\.tmp-|\.gone-|\.\.new-|\.\.data_new)/u.test(path));
  const folder = bench.identity('cart');
  const generations = tree(bench.out).includes('identities/shop/cart') ? readdirSync(folder).filter((name) => name.startsWith('..v')) : [];
  // The newest generation, and the two before it for readers that resolved them.
  return generations.length > 3 ? [...temporary, ...generations.map((name) => join(folder, name))] : temporary;
}

test('a write that fails without the end of the process leaves the old pair and nothing else', async () => {
  using bench = new Workbench();
  let full = false;
  const store = await bench.open({
    probe: (when, call, path) => {
      if (full && when === 'before' && call === 'write' && path.endsWith('tls.key')) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    },
  });
  const first = await store.write(pair('cart', 1), 'absent');
  const before = tree(bench.out);
  full = true;
  const error = await failure(store.write(pair('cart', 2), precondition(first)));
  expect(error.code).toBe('STORE_UNAVAILABLE');
  expect(error.message).toContain('the disk is full');
  expect(generationOf(bench.identity('cart'))).toBe('1');
  expect(tree(bench.out)).toEqual(before);
  full = false;
  const second = await store.write(pair('cart', 2), precondition(first));
  expect(generationOf(bench.identity('cart'))).toBe('2');
  expect(second.metadata.uid).toBe(first.metadata.uid);
  await store.close();
});
