/** Workloads that are restarted when roots change: in their turn, once, and by whichever process is there. */
import { describe, expect, test, vi } from 'vitest';
import { boundSeconds, ReloadBench } from './reload-bench.ts';
import { newRoots, WorkloadBench } from './workload-bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/** Time for every pod to see it, and to be counted. */
const bound = boundSeconds + 20;
const mark = 'a.example/2';

async function shop(...names: readonly string[]): Promise<WorkloadBench> {
  const workloads = await WorkloadBench.start();
  for (const name of names) await workloads.deployment(name);
  await workloads.bench.fleet.pass(bound, 5);
  return workloads;
}

describe('workloads whose identity asks for it', () => {
  test('are restarted neither by what there was before nor by a renewal', async () => {
    const workloads = await shop('a');
    const { bench } = workloads;
    expect(bench.status().reload).toEqual({ onBundle: { bundleGeneration: 1, version: 'a.example/1', time: expect.any(String) as string, pods: 0, reloaded: 0 } });
    await bench.renewal();
    await bench.fleet.pass(bound, 5);
    expect(workloads.restarts()).toEqual({});
  });

  test('are restarted one after the other, once, and the identity says so when all pods are new', async () => {
    const workloads = await shop('a', 'b');
    const { bench } = workloads;
    await newRoots(bench);
    await bench.fleet.pass(boundSeconds - 10, 5);
    expect(workloads.restarts()).toEqual({});
    await bench.fleet.pass(30);
    expect(workloads.restarts()).toEqual({ a: mark });
    await bench.fleet.pass(60, 5);
    expect(workloads.restarts()).toEqual({ a: mark });
    const writes = bench.statusWrites;
    await workloads.rollOut();
    expect(workloads.restarts()).toEqual({ a: mark, b: mark });
    expect(bench.status().reload?.onBundle?.bundleGeneration).toBe(1);
    await workloads.rollOut();
    expect(bench.status().reload?.onBundle).toMatchObject({ bundleGeneration: 2, pods: 2, reloaded: 2 });
    expect(bench.condition()).toMatchObject({ status: 'True', reason: 'Reloaded' });
    expect(bench.statusWrites - writes).toBe(1);
    const revisions = bench.fleet.world.store.all('Deployment').map(({ metadata }) => metadata.generation);
    await bench.fleet.pass(3_600, 60);
    expect(bench.fleet.world.store.all('Deployment').map(({ metadata }) => metadata.generation)).toEqual(revisions);
  });

  test('wait for their budget, hold nobody up, and it is told what for', async () => {
    const workloads = await shop('a', 'b');
    const { bench } = workloads;
    await workloads.budget('a', 0);
    await newRoots(bench);
    await bench.fleet.pass(bound, 5);
    expect(workloads.restarts()).toEqual({ b: mark });
    await workloads.rollOut();
    await bench.fleet.pass(180, 5);
    expect(bench.condition()).toMatchObject({ status: 'False', reason: 'Waiting', message: 'not all pods were replaced yet for the changed roots: Deployment a: its PodDisruptionBudget a allows no disruption' });
    const writes = bench.statusWrites;
    await bench.fleet.pass(1_200, 30);
    expect(bench.statusWrites).toBe(writes);
    await workloads.budget('a', 1);
    await bench.fleet.pass(10);
    expect(workloads.restarts()).toEqual({ a: mark, b: mark });
    await workloads.rollOut();
    expect(bench.condition()).toMatchObject({ status: 'True', reason: 'Reloaded' });
  });

  test('that two identities ask for are restarted once', async () => {
    const workloads = await shop();
    const { bench } = workloads;
    bench.identity('pay', { onBundle: { rolloutRestart: {} } }, { ttl: '4h', secretName: 'pay-mtls' });
    await workloads.deployment('a');
    await bench.fleet.pass(bound, 5);
    await newRoots(bench);
    await bench.fleet.pass(bound, 5);
    await workloads.rollOut();
    const [{ metadata } = { metadata: { generation: 0 } }] = bench.fleet.world.store.all('Deployment');
    expect(metadata.generation).toBe(2);
    for (const name of ['cart', 'pay']) expect(bench.status(name).reload?.onBundle?.bundleGeneration).toBe(2);
  });

  test('that nothing owns are left to people', async () => {
    const workloads = await shop();
    const { bench } = workloads;
    await bench.pod('debug');
    await bench.fleet.pass(bound, 5);
    await newRoots(bench);
    await bench.fleet.pass(bound + 180, 5);
    expect(bench.condition()).toMatchObject({ reason: 'Waiting', message: expect.stringContaining('Pod debug is nothing that can be restarted: replace it yourself') as string });
    bench.gone('debug');
    await bench.fleet.pass(10);
    expect(bench.condition()).toMatchObject({ status: 'True' });
  });

  test('stay as they are where mtlsd may not restart them, and the identity says so', async () => {
    const bench = await ReloadBench.start();
    bench.identity('cart', { onBundle: { rolloutRestart: {} } });
    await bench.fleet.pass(10);
    expect(bench.condition()).toMatchObject({ status: 'False', reason: 'RestartNotAllowed' });
  });
});

describe('a process that dies', () => {
  test('leaves the next one where it was: none is restarted twice, none is forgotten', async () => {
    const workloads = await shop('a', 'b', 'c');
    const { bench } = workloads;
    await newRoots(bench);
    await bench.fleet.restart();
    await bench.fleet.pass(bound, 5);
    expect(workloads.restarts()).toEqual({ a: mark });
    await bench.fleet.restart(); // one of them rolls
    await bench.fleet.pass(bound, 5);
    expect(workloads.restarts()).toEqual({ a: mark });
    await workloads.rollOut();
    expect(workloads.restarts()).toEqual({ a: mark, b: mark });
    await bench.fleet.restart();
    await workloads.rollOut();
    await bench.fleet.pass(bound, 5);
    expect(workloads.restarts()).toEqual({ a: mark, b: mark, c: mark });
    await workloads.rollOut();
    expect(bench.status().reload?.onBundle).toMatchObject({ bundleGeneration: 2, pods: 3, reloaded: 3 });
    expect(bench.fleet.world.store.all('Deployment').map(({ metadata }) => metadata.generation)).toEqual([2, 2, 2]);
  });
});
