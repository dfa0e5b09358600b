import { test } from 'vitest';
import { FolderStage } from '../rotation-live/folder-stage.ts';
import { expectNobodyRefused } from '../rotation-live/nobody-refused.ts';

test('1,000 workloads shake hands without one failure while roots are rotated and the daemon is killed at every gate and at every change of its record', async () => {
  await using stage = await FolderStage.open();
  await expectNobodyRefused(stage, Number(process.env['ROTATION_WORKLOADS'] ?? 1_000), { killedAt: 'every gate', handshakesPerSecond: 100, pace: 10 });
});
