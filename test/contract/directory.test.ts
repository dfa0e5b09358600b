import { randomUUID } from 'node:crypto';
import { mkdtemp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sameContent, wireCopy } from '../../src/store/frozen.ts';
import { describeKey, keyOf } from '../../src/store/object-key.ts';
import { openDirectoryStore } from '../../src/store/directory/index.ts';
import { eventually, storeContract } from './store-contract.ts';

storeContract('directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mtlsd-contract-'));
  const manifests = join(root, 'manifests');
  await mkdir(manifests);
  const store = await openDirectoryStore({
    manifests,
    out: join(root, 'out'),
    state: join(root, 'state'),
    nowMs: () => 1_800_000_000_000,
    newUid: () => randomUUID(),
    pid: process.pid,
  });
  const fileOf = (key: Parameters<typeof describeKey>[0]) => join(manifests, `${describeKey(key).replaceAll(/[ /]/gu, '_')}.json`);
  return {
    store,
    namespace: 'shop',
    systemNamespace: 'mtlsd-system',
    // An editor: the new text is moved over the old one.
    apply: async (object) => {
      const file = fileOf(keyOf(object));
      await writeFile(`${file}.swp`, JSON.stringify(object));
      await rename(`${file}.swp`, file);
      const { spec } = wireCopy(object) as unknown as { readonly spec: object };
      await eventually('the manifest is in force', async () => {
        const stored = (await store.get(keyOf(object))) as { readonly spec: object } | undefined;
        return stored === undefined ? undefined : sameContent({ ...stored.spec, ...spec }, stored.spec) || undefined;
      });
    },
    remove: async (key) => rm(fileOf(key)),
    close: async () => {
      await store.close();
      await rm(root, { recursive: true });
    },
  };
});
