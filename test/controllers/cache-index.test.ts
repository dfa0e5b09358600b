import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CacheIndex } from '../../src/controllers/runtime/cache-index.ts';
import type { StoredObject } from '../../src/resources/index.ts';

interface Tagged extends StoredObject {
  readonly tags: readonly string[];
}

const object = (name: string, tags: readonly string[]): Tagged => ({
  apiVersion: 'v1',
  kind: 'Tagged',
  metadata: { namespace: 'a', name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  tags,
});

test('finds what a search through all objects finds, whatever came, changed and went', () => {
  const change = fc.tuple(fc.constantFrom('x', 'y', 'z'), fc.option(fc.uniqueArray(fc.constantFrom('red', 'green', 'blue'))));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const index = new CacheIndex<Tagged>(({ tags }) => tags);
      const objects = new Map<string, Tagged>();
      for (const [name, tags] of changes) {
        const after = tags === null ? undefined : object(name, tags);
        index.change(objects.get(name), after);
        if (after === undefined) objects.delete(name);
        else objects.set(name, after);
        for (const key of ['red', 'green', 'blue']) {
          const expected = [...objects.values()].filter((one) => one.tags.includes(key));
          expect(new Set(index.get(key))).toEqual(new Set(expected));
          expect(index.count(key)).toBe(expected.length);
        }
      }
    }),
  );
});
