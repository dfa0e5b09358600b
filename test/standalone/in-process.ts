import { join } from 'node:path';
import { auditDefaults, openAuditSettings } from '../../src/app/audit/settings.ts';
import { Standalone } from '../../src/app/standalone.ts';
import { systemClock } from '../../src/app/clock.ts';
import type { Clock, EventRecorder, Log, Metrics } from '../../src/telemetry/index.ts';
import type { Sandbox } from './sandbox.ts';

const nothing = (): void => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const events: EventRecorder = { record: nothing };
const metrics: Metrics = { issued: nothing, reconciled: nothing, storeInterrupted: nothing, queueDepth: nothing };

/** A clock that is behind by so many milliseconds. */
export function clockBehind(byMs: number): Clock {
  return { nowMs: () => systemClock.nowMs() - byMs, schedule: (atMs, callback) => systemClock.schedule(atMs + byMs, callback) };
}

/** What `mtlsd run --once` does, in this process: for what takes too long as a process of its own, or happened long ago. */
export async function onceInProcess({ manifests, out, state }: Sandbox, clock: Clock = systemClock): Promise<readonly string[]> {
  const audit = await openAuditSettings({ ...auditDefaults, sink: join(state, 'audit.jsonl') });
  await using standalone = await Standalone.start({ manifests, out, state, access: {}, audit }, { log, events, metrics }, clock);
  await standalone.settled();
  return standalone.overview().problems.map(({ object, message }) => `${object}: ${message}`);
}
