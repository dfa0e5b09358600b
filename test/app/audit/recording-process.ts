/** A process that records decisions until it is killed, or is told to end by a line on standard input. Says the number of each that was recorded. */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileAnchor } from '../../../src/app/audit/anchor.ts';
import { Audit } from '../../../src/app/audit/open.ts';
import { auditDefaults, openAuditSettings } from '../../../src/app/audit/settings.ts';
import { systemClock } from '../../../src/app/clock.ts';
import { checkpointKeyId } from '../../../src/audit/index.ts';

const [sink = '', folder = '', first = '0'] = process.argv.slice(2);
const say = (text: string): void => void writeSync(1, `${text}\n`);
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const privateKey = createPrivateKey(readFileSync(join(folder, 'key.pem'), 'utf8'));
const publicKey = createPublicKey(privateKey);

await using audit = new Audit(await openAuditSettings({ ...auditDefaults, sink, spoolDir: join(folder, 'spool') }), { replica: 'mtlsd-0', clock: systemClock, log, patienceMs: 30_000 });
audit.secure(
  {
    signingKey: async () => Promise.resolve({ keyId: checkpointKeyId(publicKey), privateKey, publicKeys: publicKey.export({ type: 'spki', format: 'pem' }) }),
    personKey: async () => Promise.resolve({ bytes: randomBytes(32), createdAtMs: systemClock.nowMs() }),
  },
  new FileAnchor(join(folder, 'audit-heads.json')),
);
const told = new AbortController();
process.stdin.once('data', () => told.abort());
for (let index = Number(first); !told.signal.aborted; index += 1) {
  audit.record({ decision: 'issued', object: `WorkloadIdentity shop/w${index}`, reason: 'first' });
  say(String(index));
  if (index % 10 === 0) await sleep(4);
}
await audit.end();
process.exit(0);
