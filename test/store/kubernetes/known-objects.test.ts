import { describe, expect, test } from 'vitest';
import type { StoredObject } from '../../../src/resources/object.ts';
import { KnownObjects } from '../../../src/store/kubernetes/known-objects.ts';

function object(name: string, uid: string, resourceVersion: string): StoredObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'n', uid, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' } };
}

describe('KnownObjects', () => {
  test('tells each state of an object once', () => {
    const known = new KnownObjects();
    expect(known.upsert(object('a', 'u1', '1'))).toMatchObject([{ type: 'upsert' }]);
    expect(known.upsert(object('a', 'u1', '1'))).toEqual([]);
    expect(known.upsert(object('a', 'u1', '2'))).toMatchObject([{ type: 'upsert', object: { metadata: { resourceVersion: '2' } } }]);
  });

  test('a late deletion of an old uid leaves the new object alone', () => {
    const known = new KnownObjects();
    known.upsert(object('a', 'u1', '1'));
    known.upsert(object('a', 'u2', '3'));
    expect(known.remove(object('a', 'u1', '2'))).toEqual([]);
    expect(known.size).toBe(1);
  });

  test('a new uid under a known name first removes the old object', () => {
    const known = new KnownObjects();
    const old = object('a', 'u1', '1');
    known.upsert(old);
    const next = object('a', 'u2', '3');
    expect(known.upsert(next)).toEqual([
      { type: 'remove', object: old },
      { type: 'upsert', object: next },
    ]);
  });

  test('a deletion hands out the last state, and nothing when the object is unknown', () => {
    const known = new KnownObjects();
    known.upsert(object('a', 'u1', '1'));
    const last = object('a', 'u1', '2');
    expect(known.remove(last)).toEqual([{ type: 'remove', object: last }]);
    expect(known.remove(last)).toEqual([]);
  });

  test('a snapshot keeps the values of objects that did not change and forgets those that it lacks', () => {
    const known = new KnownObjects();
    const kept = object('a', 'u1', '1');
    known.replaceAll([kept, object('b', 'u2', '2')]);
    const [same, newer] = known.replaceAll([object('a', 'u1', '1'), object('c', 'u3', '3')]);
    expect(same).toBe(kept);
    expect(newer?.metadata.name).toBe('c');
    expect(known.remove(object('b', 'u2', '2'))).toEqual([]);
  });

  test('objects of one name in two namespaces are two', () => {
    const known = new KnownObjects();
    const elsewhere = { ...object('a', 'u2', '2'), metadata: { ...object('a', 'u2', '2').metadata, namespace: 'm' } };
    expect(known.replaceAll([object('a', 'u1', '1'), elsewhere])).toHaveLength(2);
  });
});
