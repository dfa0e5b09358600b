import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FleetBook } from '../../../src/controllers/cluster-identity/fleet-book.ts';
import { Pacer } from '../../../src/controllers/cluster-identity/pacer.ts';
import type { Standing } from '../../../src/controllers/cluster-identity/plan.ts';
import { fillDnsNames, fillTemplate } from '../../../src/controllers/cluster-identity/template.ts';

const facts = { namespace: 'shop', serviceAccount: 'cart' };

describe('templates', () => {
  test('are filled in once, whatever the names look like', () => {
    expect(fillTemplate('{serviceAccount}.{namespace}.{other}', { namespace: '{serviceAccount}', serviceAccount: '$&' })).toBe('$&.{serviceAccount}.{other}');
  });

  test.each([
    [['{serviceAccount}.{namespace}.svc', 'cart.shop.svc'], [], ['cart.shop.svc']],
    [['{service}.{namespace}', '{serviceAccount}'], ['api', 'web'], ['api.shop', 'web.shop', 'cart']],
    [['{service}.{namespace}', 'fixed'], [], ['fixed']],
    [['{service}-{service}'], ['a'], ['a-a']],
  ])('%j with services %j come to %j', (templates, services, names) => {
    expect(fillDnsNames(templates, facts, services)).toEqual(names);
  });
});

describe('the pacer', () => {
  test('lets a burst through at once, then one key an interval, each at a moment of its own', () => {
    const pacer = new Pacer(10, 3);
    const waits = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => pacer.take(key, 1_000));
    expect(waits).toEqual([0, 0, 0, 10, 20, 30]);
    expect(pacer.take('d', 1_010)).toBe(0);
    expect(pacer.take('f', 1_010)).toBe(20);
    expect(pacer.take('e', 1_025)).toBe(0);
  });

  test('never lets more through than the burst and the rate allow', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 30 })), { maxLength: 60 }), (turns) => {
        const pacer = new Pacer(10, 3);
        let nowMs = 0;
        let passed = 0;
        for (const [key, laterMs] of turns) {
          nowMs += laterMs;
          if (pacer.take(String(key), nowMs) === 0) passed += 1;
          // One slot may have been reserved and not used by each key.
          expect(passed).toBeLessThanOrEqual(3 + nowMs / 10);
        }
      }),
    );
  });

  test('a clock that is set back makes nobody wait for it', () => {
    const pacer = new Pacer(10, 1);
    pacer.take('a', 1_000_000);
    expect(pacer.take('b', 0)).toBeLessThanOrEqual(10);
  });
});

const standing: fc.Arbitrary<Standing> = fc.oneof(
  fc.record({ kind: fc.constant('identity' as const), ready: fc.boolean() }),
  fc.constantFrom<Standing>({ kind: 'pending' }, { kind: 'overridden' }, { kind: 'without-secret' }),
  fc.record({ kind: fc.constant('conflict' as const), reason: fc.constantFrom('NameTaken', 'ForeignChanges'), message: fc.constant('why') }),
);

test('the book adds up to what was noted last of each service account', () => {
  const notes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.dictionary(fc.constantFrom('x', 'y'), standing)), { maxLength: 40 });
  fc.assert(
    fc.property(notes, (all) => {
      const book = new FleetBook();
      const told = new Set<string>();
      book.onChange((uid) => told.add(uid));
      const last = new Map<string, ReadonlyMap<string, Standing>>();
      for (const [account, standings] of all) {
        const before = last.get(account) ?? new Map<string, Standing>();
        const next = new Map(Object.entries(standings));
        told.clear();
        book.note('shop', account, next);
        last.set(account, next);
        const changed = ['x', 'y'].filter((uid) => JSON.stringify(before.get(uid)) !== JSON.stringify(next.get(uid)));
        expect([...told].sort()).toEqual(changed);
      }
      for (const uid of ['x', 'y']) {
        const now = [...last].flatMap(([account, standings]) => (standings.has(uid) ? [{ account, ...(standings.get(uid) as Standing) }] : []));
        const count = (kind: Standing['kind']) => now.filter((each) => each.kind === kind).length;
        expect(book.summary(uid)).toMatchObject({
          matched: now.length,
          identities: count('identity'),
          ready: now.filter((each) => each.kind === 'identity' && each.ready).length,
          overridden: count('overridden'),
          pending: count('pending'),
          withoutSecret: count('without-secret'),
        });
        expect([...book.summary(uid).conflicts.keys()].sort()).toEqual(now.filter(({ kind }) => kind === 'conflict').map(({ account }) => `shop/${account}`).sort());
      }
    }),
  );
});
