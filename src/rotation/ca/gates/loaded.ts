import type { ConsumerView, GateJudge } from '../types.ts';

/**
 * Loaded: consumers use what they see. Either the pod started after Delivered, or the time has passed within which every
 * consumer loads what is new.
 */
export const loaded: GateJudge = (view) => {
  const { observed, nowMs } = view;
  const { consumerReloadMs, clockToleranceMs } = observed.bounds;
  const deliveredAtMs = view.passedAtMs('Delivered');
  const boundAtMs = deliveredAtMs + consumerReloadMs;
  const consumers = observed.consumers ?? [];
  const isFresh = ({ startedAtMs }: ConsumerView): boolean => startedAtMs !== undefined && startedAtMs >= deliveredAtMs + clockToleranceMs;
  const fresh = consumers.filter(isFresh).length;
  const allSeen = observed.consumers !== undefined && observed.consumersUnknown === undefined && observed.unseenReaders === 0;
  const allFresh = allSeen && consumers.length > 0 && fresh === consumers.length;
  const passed = allFresh || nowMs >= boundAtMs;
  return {
    done: passed ? consumers.length : fresh,
    total: consumers.length,
    stragglers: [],
    waitsFor: passed ? undefined : 'the time in which consumers load what they see',
    untilMs: passed ? undefined : boundAtMs,
    evidence: [allFresh ? 'observed' : 'bounded'],
    because: allFresh ? 'every consumer started after the bundle was delivered' : `consumers load within ${consumerReloadMs / 1000}s, which have passed`,
  };
};
