import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreAnchor } from '../../src/app/audit/anchor.ts';
import { FileSink } from '../../src/app/audit/file-sink.ts';
import { Audit } from '../../src/app/audit/open.ts';
import { StoreSecrets } from '../../src/app/audit/secrets.ts';
import { systemClock } from '../../src/app/clock.ts';
import { verifyAudit, type AuditRecord } from '../../src/audit/index.ts';
import { MemoryStore } from '../../src/store/memory/index.ts';
import { generateKeyPair } from '../../src/x509/index.ts';
import { type Measurement, median, ratePerSecond } from './measurement.ts';

const rounds = 5;
const cpuMs = 500;
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const record: AuditRecord = {
  decision: 'issued',
  object: 'WorkloadIdentity shop/cart',
  trustDomain: 'shop.example',
  spiffeId: 'spiffe://shop.example/ns/shop/sa/cart',
  serialNumber: '00d5be81ddae8879174e05b50409c740b9',
  authority: '9dc18a1ad6200da61b1b85d1c685347a5f539df1',
  notAfter: '2030-01-01T01:00:00.000Z',
  reason: 'renewal',
};

/** What a decision costs in CPU time by being recorded, into a file, signed and anchored; and what a line costs an auditor. */
export async function* audit(): AsyncIterable<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-bench-'));
  try {
    const store = new MemoryStore({ nowMs: () => systemClock.nowMs(), uid: () => randomUUID() });
    const lines: string[] = [];
    const file = new FileSink(join(folder, 'audit.jsonl'), { bytesMax: 16 * 1024 * 1024, filesMax: 8 });
    const sink = { name: 'file', deliver: (batch: readonly string[]): void => (file.deliver(batch), void (lines.length < 20_000 && lines.push(...batch))) };
    await using chained = new Audit({ sink, failClosed: true, spoolBytes: 8 * 1024 * 1024, personPeriodMs: 86_400_000 }, { replica: 'bench', clock: systemClock, log });
    const anchor = new StoreAnchor(store, 'mtlsd-system');
    const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };
    chained.secure(new StoreSecrets({ store, clock: systemClock, tools, systemNamespace: 'mtlsd-system', audit: chained, log }, anchor), anchor);
    let turn = 0;
    const decide = (): Promise<void> | undefined => {
      chained.admit();
      chained.record(record);
      // Checkpoints come in between, as they do in the daemon.
      return (turn += 1) % 100 === 0 ? new Promise((resume) => setImmediate(resume)) : undefined;
    };
    const rates: number[] = [];
    for (let round = 0; round < rounds; round += 1) rates.push(await ratePerSecond(decide, cpuMs));
    yield { bench: 'audit', metric: 'CPU a decision, recorded in a file', value: 1e6 / median(rates), unit: 'µs', budget: { relation: '<=', value: 30 } };
    const text = `${lines.join('\n')}\n`;
    const verified = await ratePerSecond(() => verifyAudit([{ name: 'audit.jsonl', text }], { anchor: undefined, keys: undefined, recent: false }), cpuMs);
    yield { bench: 'audit', metric: 'lines verified a second of CPU time', value: verified * lines.length, unit: 'lines' };
    yield { bench: 'audit', metric: 'length of a line', value: text.length / lines.length, unit: 'bytes' };
  } finally {
    await rm(folder, { recursive: true });
  }
}
