/** Who fetches the bundle over the network, as the product tells a plan. */
import type { AuthorityRecord } from '../../src/authority/index.ts';
import type { DomainState } from '../../src/controllers/domains.ts';
import { bundleReaders } from '../../src/controllers/federation/readers.ts';
import { refreshHintSeconds } from '../../src/controllers/federation/refresh-hint.ts';
import type { ReaderView } from '../../src/rotation/ca/index.ts';
import { nowMs, tickMs } from './times.ts';

const object = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'small.example' }, spec: {} } as DomainState['object'];
/** Whoever fetches has new keys after five refresh hints (SPIFFE-30). */
const fetchesWithinMs = 5 * refreshHintSeconds(object) * 1000;

/** The readers that a plan looks at. Hints are minutes, ticks are hours: the product is asked on a clock that runs slower. */
export function readersOf(record: AuthorityRecord, fetchTicks: number): readonly ReaderView[] {
  const { rotation } = record;
  if (rotation === undefined) return [];
  const scale = fetchesWithinMs / (fetchTicks * tickMs);
  const startedAtMs = nowMs + (rotation.startedAtMs - nowMs) * scale;
  const readers = bundleReaders({ object, record: { ...record, rotation: { ...rotation, startedAtMs } } });
  return readers.map((reader) => ({ ...reader, fetchedByMs: nowMs + (reader.fetchedByMs - nowMs) / scale }));
}
