import { test } from 'vitest';
import { expectOnlySilentNodeBreaks } from '../rotation-live/silent-node.ts';

test('1,000 workloads on a real API server, those of one node slower than the bound: the gate names that node alone, nobody breaks while it waits, and who breaks when a person goes past it is on that node', async () => {
  await expectOnlySilentNodeBreaks(Number(process.env['ROTATION_WORKLOADS'] ?? 1_000), 12, 'Complete');
});
