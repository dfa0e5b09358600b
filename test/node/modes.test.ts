/** The table of docs/concepts/delivery.md, row by row, in real pods. */
import { test } from 'vitest';
import { expectModes } from './modes.ts';
import { NodeSite, patienceMs } from './node-site.ts';

test('the files of an identity have the modes that the docs promise, for whoever a pod runs as', async () => {
  await using node = await NodeSite.open();
  await expectModes(node, patienceMs);
});
