import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ttlFloor } from '../../src/controllers/trust-domain/ttl-floor.ts';
import { renewalTimeMs, shortestTtlMs } from '../../src/rotation/index.ts';

const kubelet = { minTtlMs: 375_000, minTtlReason: 'kubelet', marginMs: 60_000 };

test('with the shortest TTL every renewal is seen before the end, however late it may be seen and whatever the UID', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_600_000 }), fc.uuid(), (lateMs, uid) => {
      const ttlMs = shortestTtlMs(lateMs);
      expect(renewalTimeMs({ issuedAtMs: 0, notAfterMs: ttlMs }, uid) + lateMs).toBeLessThanOrEqual(ttlMs);
      expect(ttlMs % 1000).toBe(0);
    }),
  );
});

test('the floor of a cluster is the one of kubelet’s 90 seconds', () => {
  expect(shortestTtlMs(90_000 + 60_000)).toBe(375_000);
  expect(shortestTtlMs(0)).toBe(60_000);
});

test('a trust domain whose changes are seen sooner allows a shorter TTL; what is seen later changes nothing', () => {
  expect(ttlFloor(kubelet, 12_000)).toEqual({ minTtlMs: 180_000, minTtlReason: expect.stringContaining('propagationBound of the trust domain (12s)') as string });
  expect(ttlFloor(kubelet, 1_000).minTtlMs).toBe(153_000);
  for (const boundMs of [undefined, 90_000, 600_000]) expect(ttlFloor(kubelet, boundMs)).toEqual({ minTtlMs: 375_000, minTtlReason: 'kubelet' });
});

test('where files are seen as they are written, the floor is a minute whatever is said of rotations', () => {
  const folder = { minTtlMs: 60_000, minTtlReason: 'folder' };
  expect(ttlFloor(folder, 1_000)).toEqual(folder);
});
