import { test } from 'vitest';
import { expectOnlySilentNodeBreaks } from '../rotation-live/silent-node.ts';

// `npm run test:long` does the same with 1,000.
test('workloads of one node are slower than the bound: the gate names that node alone, nobody breaks while it waits, and who breaks when a person goes past it is on that node', async () => {
  await expectOnlySilentNodeBreaks(40, 4, 'Drain');
});
