import { MemoryStore } from '../../src/store/memory/index.ts';
import { storeContract } from './store-contract.ts';

storeContract('memory', async () => {
  let uids = 0;
  const store = new MemoryStore({
    nowMs: () => 1_800_000_000_000,
    uid: () => {
      uids += 1;
      return `uid-${uids}`;
    },
  });
  return {
    store,
    namespace: 'shop',
    systemNamespace: 'mtlsd-system',
    apply: async (object) => void store.apply(object),
    remove: async (key) => store.remove(key),
    close: async () => undefined,
  };
});
