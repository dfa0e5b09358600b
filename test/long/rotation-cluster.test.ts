import { test } from 'vitest';
import { ClusterStage } from '../rotation-live/cluster-stage.ts';
import { expectNobodyRefused } from '../rotation-live/nobody-refused.ts';

const workloads = Number(process.env['ROTATION_WORKLOADS'] ?? 1_000);

test('1,000 workloads on a real API server shake hands without one failure while roots are rotated, given up before and after the switch, and rotated again, with the controller killed in every phase and at every change of its record', async () => {
  await using stage = await ClusterStage.open();
  await expectNobodyRefused(stage, workloads, { killedAt: 'every phase', handshakesPerSecond: 30, pace: 25 });
});
