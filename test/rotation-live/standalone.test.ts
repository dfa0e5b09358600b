import { test } from 'vitest';
import { requirementsMet } from '../conformance/requirements.ts';
import { FolderStage } from './folder-stage.ts';
import { expectNobodyRefused } from './nobody-refused.ts';

const ready = await requirementsMet('1,000 workloads shake hands during rotations', ['go', 'openssl'], process.env);
const workloads = Number(process.env['ROTATION_WORKLOADS'] ?? 1_000);

test.skipIf(!ready)(
  '1,000 workloads, each as late as it may be, shake hands without one failure while roots are rotated, given up before and after the switch, and rotated again, with the daemon killed in every phase and at every change of its record',
  { timeout: 900_000 },
  async () => {
    await using stage = await FolderStage.open();
    await expectNobodyRefused(stage, workloads, { killedAt: 'every phase', handshakesPerSecond: 30, pace: 50 });
  },
);
