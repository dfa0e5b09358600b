import { describe, expect, test } from 'vitest';
import type { EventTarget, ObjectEvent } from '../../../src/telemetry/index.ts';
import { RecentEvents } from '../../../src/store/kubernetes/recent-events.ts';

const target = (uid: string): EventTarget => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'n', uid } });
const event = (message: string, reason = 'Conflict'): ObjectEvent => ({ type: 'Warning', reason, message });
const limits = { quietMs: 1000, perReasonMax: 3, rememberedMax: 100 };

describe('RecentEvents', () => {
  test('the same event about the same object is news once in a while', () => {
    const recent = new RecentEvents(limits);
    expect([0, 1, 999, 1000, 1001].map((at) => recent.isNews(target('u1'), event('x'), at))).toEqual([true, false, false, true, false]);
  });

  test('another object, reason or message is news', () => {
    const recent = new RecentEvents(limits);
    recent.isNews(target('u1'), event('x'), 0);
    expect(recent.isNews(target('u2'), event('x'), 0)).toBe(true);
    expect(recent.isNews(target('u1'), event('x', 'Other'), 0)).toBe(true);
    expect(recent.isNews(target('u1'), event('y'), 0)).toBe(true);
  });

  test('messages that differ each time are bounded for one reason', () => {
    const recent = new RecentEvents(limits);
    const told = Array.from({ length: 50 }, (_, n) => recent.isNews(target('u1'), event(`at ${n}`), n)).filter(Boolean);
    expect(told).toHaveLength(3);
  });

  test('what it remembers is bounded, and the oldest goes first', () => {
    const recent = new RecentEvents({ ...limits, rememberedMax: 4 });
    for (let n = 0; n < 10; n++) recent.isNews(target(`u${n}`), event('x'), n);
    expect(recent.isNews(target('u9'), event('x'), 20)).toBe(false);
    expect(recent.isNews(target('u0'), event('x'), 20)).toBe(true);
  });
});
