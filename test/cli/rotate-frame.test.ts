import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { progressFrame } from '../../src/cli/rotate/progress-frame.ts';
import { progressLine } from '../../src/cli/rotate/progress-lines.ts';
import { widthOf } from '../../src/cli/table.ts';
import { gate, rotation, standingStill } from './rotate-samples.ts';

const nowMs = Date.parse('2026-03-01T09:01:15Z');
const frame = (object = rotation(), width = 119, height = 40): readonly string[] => stripVTControlCharacters(progressFrame(object, nowMs, { width, height })).split('\n').map((line) => line.trimEnd());

describe('the frame of a rotation', () => {
  test('shows phases, gates with counts and evidence, who holds it up, and what comes next', () => {
    expect(frame()).toEqual([
      'mtlsd  rotation of the root of shop.example  spring',
      'from 96ae2faa  to 0fff451c  begun 1m 15s ago',
      '',
      '✓ Preflight  ✓ Prepare  ✓ Distribute  ▸ Confirm  Canary  Switch  Reissue  Drain  Retire',
      '',
      '✓ Written       ████████████ 1002/1002  observed           every target carries generation 2, by reading back',
      '✓ Delivered     ████████████ 12/12      bounded, observed  1m 30s since Written, and every node renewed its Lease afte…',
      '▸ Loaded        ███████████░ 998/1000   observed           in 45s  consumers have loaded generation 2',
      '  Canary',
      '  Acknowledged',
      '  Reissued',
      '  Drained',
      '  Withdrawn',
      '',
      'Loaded waits for:',
      '  Pod shop/till-0: its mount uses subPath and never updates: restart it',
      '  Pod shop/till-1: its mount uses subPath and never updates: restart it',
      '',
      'Next: in 45s, by itself',
    ]);
  });

  test.each([[40, 12], [60, 20], [79, 24], [100, 10], [200, 6], [20, 4]])('fits into %i columns and %i lines', (width, height) => {
    const lines = frame(rotation(), width, height);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
    expect(lines.length).toBeLessThan(height);
  });

  test('keeps who holds it up where room is short: rather goes what is still to come', () => {
    const lines = frame(rotation(), 119, 16).join('\n');
    expect(lines).toContain('Pod shop/till-1');
    expect(lines).toContain('Next: in 45s');
    expect(lines).not.toContain('Withdrawn');
  });

  test('counts the stragglers that have no room', () => {
    const stragglers = Array.from({ length: 20 }, (_, index) => ({ kind: 'Pod', namespace: 'shop', name: `till-${index}`, reason: 'never updates' }));
    const lines = frame(rotation({ gates: [gate('Loaded', 'Confirm', { state: 'Waiting', done: 0, total: 90, exempted: 3, stragglers, stragglerCount: 87 })] }));
    expect(lines.filter((line) => line.includes('Pod shop/'))).toHaveLength(5);
    expect(lines.join('\n')).toContain('… and 82 more');
    expect(lines.join('\n')).toContain('0/90 (3 exempt)');
  });

  test('says whole what it waits for where a line has no room for it; what waits on time alone has no bar', () => {
    const message = 'waits for the time in which a change reaches every consumer, and for a sign of life of every node after it';
    const lines = frame(rotation({ gates: [gate('Written', 'Distribute', { state: 'Passed', done: 3, total: 3 }), gate('Delivered', 'Confirm', { state: 'Waiting', done: 0, total: 0, until: '2026-03-01T09:01:20Z', message })] }), 79, 24);
    expect(lines.filter((line) => line.includes('Delivered'))).toEqual([expect.stringMatching(/^▸ Delivered +in 5s {2}waits for the time in which .*…$/u), 'Delivered waits for the time in which a change reaches every consumer, and for']);
    expect(lines).toContain('a sign of life of every node after it');
    expect(lines.join('\n')).toContain('████████████ 3/3');
  });

  test('says that it stands still, and that it is an emergency, or on its way back', () => {
    expect(frame(rotation(standingStill('AwaitingApproval', 'Canary waits for a person'), { mode: 'Emergency' })).join('\n')).toMatch(/emergency rotation of the root[^]*Stands still \(AwaitingApproval\): Canary waits for a person$/u);
    expect(frame(rotation({ direction: 'Back', phase: 'Drain' }))[3]).toBe('Drain, on the way back');
  });

  test('of one that nobody has looked at says so', () => {
    const { status: _none, ...bare } = rotation();
    expect(frame(bare)).toEqual(['mtlsd  rotation of the root of shop.example  spring', 'from 96ae2faa', '', 'Preflight  Prepare  Distribute  Confirm  Canary  Switch  Reissue  Drain  Retire']);
    expect(progressLine(bare)).toBe('asked for; nobody has looked at it yet');
  });
});

describe('the line of a rotation', () => {
  const line = (done: number, count: number) => progressLine(rotation({ gate: 'Reissued', phase: 'Reissue', gates: [gate('Reissued', 'Reissue', { state: 'Waiting', done, total: 1000, stragglers: Array.from({ length: Math.min(count, 20) }, (_, index) => ({ kind: 'Secret', namespace: 'shop', name: `s-${index}`, reason: 'old' })), stragglerCount: count })] }));

  test('stays the same while most of a thousand objects are on their way', () => {
    expect(line(10, 990)).toBe('Reissue  Reissued, waits for objects of 1000');
    expect(line(500, 500)).toBe(line(10, 990));
    expect(line(998, 2)).toBe('Reissue  Reissued, waits for Secret shop/s-0, Secret shop/s-1');
    expect(line(1000, 0)).toBe('Reissue  Reissued');
  });

  test('tells a standstill', () => {
    expect(progressLine(rotation({ gates: [], ...standingStill('Paused', 'it is paused') }))).toBe('Confirm  Paused: it is paused');
  });
});
