/** Who fetches the bundle over the network, as the product tells a plan. */
import type { AuthorityRecord } from '../../src/authority/index.ts';
import type { DomainState } from '../../src/controllers/domains.ts';
import { bundleReaders } from '../../src/controllers/federation/readers.ts';
import type { ReaderView } from '../../src/rotation/ca/index.ts';
import { tickMs } from './times.ts';

const object = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'small.example' }, spec: {} } as DomainState['object'];
/** The readers that a plan looks at: hints are counted in ticks here. */
export function readersOf(record: AuthorityRecord, fetchTicks: number): readonly ReaderView[] {
  return bundleReaders({ object, record }, 0).map((reader) => ({ ...reader, fetchesWithinMs: fetchTicks * tickMs }));
}
