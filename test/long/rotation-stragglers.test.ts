import { expect, test } from 'vitest';
import { rotatePastANode } from '../rotation-live/rotate-past-a-node.ts';

const workloads = Number(process.env['ROTATION_WORKLOADS'] ?? 1_000);

test('1,000 workloads on a real API server, those of one node slower than the bound: the gate names that node alone, nobody breaks while it waits, and who breaks when a person goes past it is on that node', async () => {
  const { gate, stragglers, held, past, onSilentNode } = await rotatePastANode(workloads);
  console.log(JSON.stringify({ gate, stragglers, ok: past.ok, crossed: past.crossed, failedLate: past.failedLate.length, late: past.late.length }));
  expect([gate, stragglers]).toEqual(['Delivered', ['Node node-0']]);
  // While it waited, those of the silent node shook hands like all others.
  expect([...held.failed, ...held.failedLate]).toEqual([]);
  expect(past.failed).toEqual([]);
  const broken = past.failedLate.map(({ client = '', server }) => [client, server]);
  expect(broken.length).toBeGreaterThan(0);
  // One end was on the silent node, the other was not.
  expect(broken.filter((ends) => ends.filter((name) => onSilentNode.has(name)).length !== 1)).toEqual([]);
});
