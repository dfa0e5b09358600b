import { vi } from 'vitest';
import { verifyAudit, type AuditVerdict } from '../../../src/audit/index.ts';
import { StoreAnchor, type Anchored } from '../../../src/app/audit/anchor.ts';
import { Audit, type AuditSettings } from '../../../src/app/audit/open.ts';
import { StoreSecrets } from '../../../src/app/audit/secrets.ts';
import type { AuditSink } from '../../../src/app/audit/sink.ts';
import { readPublicKeys } from '../../../src/rotation/receipt/index.ts';
import { MemoryStore } from '../../../src/store/memory/index.ts';
import type { Log } from '../../../src/telemetry/index.ts';
import { generateKeyPair } from '../../../src/x509/index.ts';
import { VirtualTime } from '../../model/clock.ts';

/** Waits until nothing that `check` expects is missing any more. */
export async function soon(check: () => unknown): Promise<void> {
  await vi.waitFor(check, { timeout: 15_000, interval: 10 });
}

/** A sink that keeps what it gets, and is down while it is told to be. */
export class ScriptedSink implements AuditSink {
  readonly name = 'the collector';
  readonly lines: string[] = [];
  isDown = false;
  /** How many batches came, down or not. */
  batches = 0;

  deliver(lines: readonly string[]): void {
    this.batches += 1;
    if (this.isDown) throw new Error('it is down');
    this.lines.push(...lines);
  }

  /** Decisions that arrived. */
  get decisions(): readonly string[] {
    return this.lines.map((line) => (JSON.parse(line) as { decision: string }).decision);
  }
}

/** A store and a time that several processes of an audit log share. */
export class AuditSite {
  readonly time = new VirtualTime(Date.parse('2026-03-01T12:00:00Z'));
  readonly told: string[] = [];
  readonly log: Log;
  readonly store: MemoryStore;
  readonly anchor: StoreAnchor;

  constructor() {
    let uid = 0;
    const tell = (message: string): void => void this.told.push(message);
    this.log = { debug: tell, info: tell, warn: tell, error: tell };
    this.store = new MemoryStore({ nowMs: () => this.time.nowMs, uid: () => `uid-${(uid += 1)}` });
    this.anchor = new StoreAnchor(this.store, 'mtlsd-system');
  }

  /** Starts a process with its audit log. */
  start(replica: string, settings: Partial<AuditSettings> & Pick<AuditSettings, 'sink'>): Audit {
    const clock = this.time.clockOf(() => true);
    const audit = new Audit({ failClosed: false, spoolBytes: 1024 * 1024, personPeriodMs: 30 * 86_400_000, ...settings }, { replica, clock, log: this.log, patienceMs: 15_000 });
    const tools = { generateKeyPair, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
    audit.secure(new StoreSecrets({ store: this.store, clock, tools, systemNamespace: 'mtlsd-system', audit, log: this.log }, this.anchor), this.anchor);
    return audit;
  }

  /** Lets time pass, and wakes what is due. */
  pass(ms: number): void {
    this.time.advanceTo(this.time.trueMs + ms);
  }

  async verify(...logs: readonly (readonly string[])[]): Promise<AuditVerdict> {
    return verifyAs(await this.anchor.read(), logs);
  }
}

/** Verifies logs by an anchor and the keys beside it. */
function verifyAs({ heads, publicKeys }: Anchored, logs: readonly (readonly string[])[]): AuditVerdict {
  const keys = new Map(readPublicKeys(publicKeys).map(({ keyId, pem }) => [keyId, pem]));
  return verifyAudit(logs.map((lines, index) => ({ name: `log${index}`, text: lines.map((line) => `${line}\n`).join('') })), { anchor: heads, keys, recent: false });
}
