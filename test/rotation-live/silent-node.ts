import { expect } from 'vitest';
import { rotatePastANode } from './rotate-past-a-node.ts';

/** Rotates past a silent node, and holds that whoever breaks is on it. */
export async function expectOnlySilentNodeBreaks(...plan: Parameters<typeof rotatePastANode>): Promise<void> {
  const { gate, stragglers, held, past, onSilentNode } = await rotatePastANode(...plan);
  console.log(JSON.stringify({ gate, stragglers, ok: past.ok, crossed: past.crossed, failedLate: past.failedLate.length, late: past.late.length }));
  expect([gate, stragglers]).toEqual(['Delivered', ['Node node-0']]);
  // While it waited, those of the silent node shook hands like all others.
  expect([...held.failed, ...held.failedLate]).toEqual([]);
  expect(past.failed).toEqual([]);
  // Others may have been late because the machine was: they prove nothing either way.
  const slow = new Set(past.late.filter((name) => !onSilentNode.has(name)));
  const broken = past.failedLate.map(({ client = '', server }) => [client, server]).filter((ends) => !ends.some((name) => slow.has(name)));
  expect(broken.length).toBeGreaterThan(0);
  // One end was on the silent node, the other was not.
  expect(broken.filter((ends) => ends.filter((name) => onSilentNode.has(name)).length !== 1)).toEqual([]);
}
