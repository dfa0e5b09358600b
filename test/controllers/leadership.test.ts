import { setImmediate as macrotask } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signerEpochsAnnotation } from '../../src/controllers/index.ts';
import { Term } from '../../src/controllers/leadership/term.ts';
import type { Lease } from '../../src/resources/index.ts';
import { ElectionWorld, leaseKey, type Replica } from './leadership-world.ts';

describe('a term', () => {
  const clocks = { wallMs: 10_000, monotonicMs: 500 };
  const term = (): Term => {
    const made = new Term(() => ({ ...clocks }));
    made.extend({ wallMs: 10_000, monotonicMs: 500 }, 5_000, new Map([['shop.example', 3]]));
    return made;
  };

  test.each([
    ['at its start', 0, 0, true],
    ['just before its end', 4_999, 4_999, true],
    ['at its end', 5_000, 5_000, false],
    ['when the wall clock was set back while it was paused', -60_000, 5_000, false],
    ['when the machine slept, which only the wall clock shows', 5_000, 10, false],
  ])('%s', (_when, wallPassedMs, monotonicPassedMs, permitted) => {
    const made = term();
    clocks.wallMs = 10_000 + wallPassedMs;
    clocks.monotonicMs = 500 + monotonicPassedMs;
    expect(made.permits('shop.example', 3, clocks.wallMs)).toBe(permitted);
    expect(made.leftMs > 0).toBe(permitted);
    Object.assign(clocks, { wallMs: 10_000, monotonicMs: 500 });
  });

  test('permits the epochs that the lease names, no other, and nothing once it was ended', () => {
    const made = term();
    expect(made.permits('shop.example', 2, 10_000)).toBe(false);
    expect(made.permits('other.example', 3, 10_000)).toBe(false);
    expect(made.names('shop.example', 3)).toBe(true);
    made.end();
    expect(made.permits('shop.example', 3, 10_000)).toBe(false);
  });
});

async function electionOf(...names: readonly string[]): Promise<{ readonly world: ElectionWorld; readonly replicas: readonly Replica[] }> {
  const world = new ElectionWorld();
  const replicas = names.map((name) => world.start(name));
  await world.calm(3_000);
  return { world, replicas };
}

describe('an election', () => {
  test('the first takes the Lease at once, which names what it signs with; the other stands by', async () => {
    const { world, replicas } = await electionOf('a', 'b');
    expect(world.signing).toHaveLength(1);
    expect(new Set(replicas.map(({ terms }) => terms))).toEqual(new Set([0, 1]));
    expect(world.lease?.spec).toMatchObject({ holderIdentity: world.signing[0], leaseDurationSeconds: 6, leaseTransitions: 1 });
    expect(world.lease?.metadata.annotations?.[signerEpochsAnnotation]).toBe('{"shop.example":1}');
  });

  test('a leader that is stopped gives the Lease back, and the other takes it at its next look', async () => {
    const { world } = await electionOf('a', 'b');
    const leader = world.replicas.find(({ name }) => name === world.signing[0]);
    leader?.stop.abort();
    await world.calm(2_000);
    expect(leader?.ended).toBe(true);
    expect(world.signing).toEqual(world.replicas.filter((replica) => replica !== leader).map(({ name }) => name));
  });

  test('a leader that dies is followed once its lease has run out, not before', async () => {
    const { world } = await electionOf('a', 'b');
    const [dead] = world.replicas.filter(({ name }) => name === world.signing[0]);
    if (dead !== undefined) world.kill(dead);
    await world.calm(4_000);
    expect(world.signing).toEqual([]);
    await world.calm(6_000);
    expect(world.signing).toHaveLength(1);
  });

  test('a leader that wakes from a pause signs nothing', async () => {
    const { world } = await electionOf('a', 'b');
    const [sleeper] = world.replicas.filter(({ name }) => name === world.signing[0]);
    if (sleeper === undefined) throw new Error('nobody leads');
    sleeper.paused = true;
    await world.calm(10_000);
    const [successor] = world.signing;
    sleeper.paused = false;
    expect(sleeper.signs).toBe(false);
    await world.resume(sleeper);
    await world.calm(10_000);
    expect(world.signing).toEqual([successor]);
  });

  test('an epoch whose announcement was lost is announced again, and signed with only then', async () => {
    const { world, replicas } = await electionOf('a');
    const [leader] = replicas;
    if (leader === undefined) throw new Error('nobody leads');
    while (await world.step());
    leader.nextFault = { kind: 'unavailable', applied: false };
    const lost = leader.leadership.acknowledge('shop.example', 2).then(() => 'told', () => 'lost');
    await macrotask();
    while (await world.step());
    expect(await lost).toBe('lost');
    expect(leader.leadership.permits('shop.example', 2, leader.time.nowMs)).toBe(false);
    const told = leader.leadership.acknowledge('shop.example', 2);
    await macrotask();
    while (await world.step());
    await told;
    expect(leader.leadership.permits('shop.example', 2, leader.time.nowMs)).toBe(true);
  });

  test.each<readonly [string, (lease: Lease) => Lease]>([
    ['empties the holder', (lease) => ({ ...lease, spec: { ...lease.spec, holderIdentity: '' } })],
    ['writes in the other replica', (lease) => ({ ...lease, spec: { ...lease.spec, holderIdentity: lease.spec.holderIdentity === 'a' ? 'b' : 'a' } })],
    ['writes in a stranger', (lease) => ({ ...lease, spec: { ...lease.spec, holderIdentity: 'x' } })],
    ['shortens it', (lease) => ({ ...lease, spec: { ...lease.spec, leaseDurationSeconds: 1 } })],
    ['empties all of it', (lease) => ({ ...lease, spec: {} })],
  ])('a person who %s never makes two sign, and one signs again', async (_what, edit) => {
    await meddle((world) => world.store.edit(leaseKey, edit));
  });

  test('a person who deletes the Lease never makes two sign', async () => {
    await meddle((world) => world.store.remove(leaseKey));
  });
});

/** Somebody writes the Lease while its holder cannot reach the store, and so does not know. */
async function meddle(act: (world: ElectionWorld) => void): Promise<void> {
  const { world } = await electionOf('a', 'b');
  const onlyOne = (): void => expect(world.signing.length).toBeLessThanOrEqual(1);
  const holder = world.replicas.find(({ name }) => name === world.signing[0]);
  if (holder === undefined) throw new Error('nobody leads');
  holder.cut = true;
  act(world);
  await world.calm(3_000, onlyOne);
  expect(holder.signs).toBe(true);
  await world.calm(10_000, onlyOne);
  holder.cut = false;
  await world.calm(15_000, onlyOne);
  expect(world.signing).toHaveLength(1);
}

type Move =
  | { readonly do: 'advance' | 'calm'; readonly ms: number }
  | { readonly do: 'skew'; readonly of: number; readonly ms: number }
  | { readonly do: 'step'; readonly choice: number }
  | { readonly do: 'pause' | 'resume' | 'cut' | 'heal' | 'lose' | 'lose-answer' | 'conflict'; readonly of: number }
  | { readonly do: 'edit'; readonly holder: string }
  | { readonly do: 'delete' };

const replicaIndex = fc.nat({ max: 1 });
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('step' as const), choice: fc.nat({ max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.oneof(fc.integer({ min: 1, max: 1_600 }), fc.integer({ min: 1_600, max: 9_000 })) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('calm' as const), ms: fc.integer({ min: 250, max: 9_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('skew' as const), of: replicaIndex, ms: fc.integer({ min: -100_000, max: 100_000 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'cut' as const, 'heal' as const, 'lose' as const, 'lose-answer' as const, 'conflict' as const), of: replicaIndex }) },
  { weight: 1, arbitrary: fc.oneof(fc.record({ do: fc.constant('edit' as const), holder: fc.constantFrom('', 'a', 'b', 'x') }), fc.record({ do: fc.constant('delete' as const) })) },
);

async function play(world: ElectionWorld, next: Move, look: () => void): Promise<void> {
  const replica = 'of' in next ? world.replicas[next.of] : undefined;
  switch (next.do) {
    case 'advance':
      return world.advance(next.ms);
    case 'calm':
      return world.calm(next.ms, look);
    case 'step':
      return void (await world.step(next.choice));
    case 'edit':
      if (world.lease !== undefined) world.store.edit(leaseKey, (lease) => ({ ...lease, spec: { ...lease.spec, holderIdentity: next.holder } }));
      return undefined;
    case 'delete':
      if (world.lease !== undefined) world.store.remove(leaseKey);
      return undefined;
    case 'skew':
    case 'pause':
    case 'resume':
    case 'cut':
    case 'heal':
    case 'lose':
    case 'lose-answer':
    case 'conflict':
      if (replica !== undefined) await befall(world, replica, next);
  }
}

async function befall(world: ElectionWorld, replica: Replica, next: Move): Promise<void> {
  if (next.do === 'pause') replica.paused = true;
  if (next.do === 'resume') await world.resume(replica);
  if (next.do === 'cut') replica.cut = true;
  if (next.do === 'heal') replica.cut = false;
  if (next.do === 'skew' && 'ms' in next) replica.time.skewMs += next.ms;
  if (next.do === 'lose') replica.nextFault = { kind: 'unavailable', applied: false };
  if (next.do === 'lose-answer') replica.nextFault = { kind: 'unavailable', applied: true };
  if (next.do === 'conflict') replica.nextFault = { kind: 'conflict' };
}

test('two replicas never sign at once, whatever happens to them, their clocks, their calls and the Lease; and one signs in the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 60 }), async (moves) => {
      const { world } = await electionOf('a', 'b');
      const onlyOne = (): void => expect(world.signing.length).toBeLessThanOrEqual(1);
      for (const next of moves) {
        await play(world, next, onlyOne);
        onlyOne();
      }
      for (const replica of world.replicas) {
        replica.cut = false;
        await world.resume(replica);
      }
      await world.calm(25_000, onlyOne);
      expect(world.signing).toHaveLength(1);
      for (const replica of world.replicas) world.kill(replica);
    }),
    { numRuns: 400 },
  );
}, 120_000);
