import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../src/store/kubernetes/backoff.ts';

describe('Backoff', () => {
  test('doubles up to its bound, jittered between half and all of it', () => {
    const low = new Backoff({ firstMs: 100, maxMs: 1000 }, () => 0);
    const high = new Backoff({ firstMs: 100, maxMs: 1000 }, () => 0.999_999);
    expect([1, 2, 3, 4, 5, 6].map(() => low.nextMs())).toEqual([50, 100, 200, 400, 500, 500]);
    expect([1, 2, 3, 4, 5, 6].map(() => Math.round(high.nextMs()))).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  test('starts over when it works again', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000 }, () => 0);
    backoff.nextMs();
    backoff.nextMs();
    backoff.reset();
    expect(backoff.nextMs()).toBe(50);
  });

  test('waits at least as long as the server asks, and not for hours', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000 }, () => 0);
    expect(backoff.nextMs(7000)).toBe(7000);
    expect(backoff.nextMs(86_400_000)).toBe(60_000);
    expect(new Backoff({ firstMs: 100, maxMs: 1000 }, () => 0.5).nextMs(8000)).toBe(10_000);
  });

  test('never overflows, however often it failed', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000 }, () => 0.5);
    for (let n = 0; n < 2000; n++) backoff.nextMs();
    expect(backoff.nextMs()).toBe(750);
  });
});
