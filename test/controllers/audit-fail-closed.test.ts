import { expect, test } from 'vitest';
import { AuditedLease } from '../../src/app/audit/audited-lease.ts';
import { MtlsdError } from '../../src/errors/index.ts';
import { startBench } from './bench.ts';

test('with an audit log that takes nothing more, nothing is signed, identities say why, and go on when it does', async () => {
  let isFull = true;
  const audit = {
    record: () => undefined,
    admit: () => {
      if (isFull) throw new MtlsdError('AUDIT_UNAVAILABLE', 'the audit log takes no more lines');
    },
  };
  const lease = new AuditedLease({ permits: () => true, acknowledge: async () => Promise.resolve() }, audit);
  const bench = await startBench({}, { lease });
  bench.put('web');
  await bench.world.drain();
  expect(bench.reason('web')).toBe('AuditUnavailable');
  expect(bench.identity('web').status?.conditions?.find(({ type }) => type === 'Issued')).toMatchObject({ status: 'False', message: 'the audit log takes no more lines' });
  expect(bench.secret('web-mtls')).toBeUndefined();
  isFull = false;
  await bench.pass(10 * 60_000);
  expect(bench.reason('web')).toBe('Issued');
  expect(bench.secret('web-mtls')).toBeDefined();
});
