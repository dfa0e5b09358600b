import { generateKeyPairSync } from 'node:crypto';
import { auditKey, type AuditKey, type ReceiptDocument } from '../../src/rotation/receipt/index.ts';
import { keyPairFromPem } from '../../src/x509/index.ts';

/** A new audit key, made at a time (milliseconds since the epoch). */
export function newAuditKey(createdAtMs = Date.parse('2026-01-01T00:00:00Z')): AuditKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return auditKey(keyPairFromPem(privateKey.export({ type: 'pkcs8', format: 'pem' })), createdAtMs);
}

const oldRoot = '00112233445566778899aabbccddeeff00112233';
const newRoot = 'ffeeddccbbaa99887766554433221100ffeeddcc';

/** What a rotation with one exemption came to. */
export const sampleDocument: ReceiptDocument = {
  rotation: {
    name: 'spring',
    uid: '0f4e2d0a-6a77-4d5e-9d0c-0e9d8a1b2c3d',
    trustDomain: 'shop.example',
    what: 'Root',
    mode: 'Graceful',
    outcome: 'Completed',
    startedAt: '2026-03-01T09:00:00Z',
    endedAt: '2026-03-01T11:30:00Z',
  },
  authorities: [
    { keyIdentifier: oldRoot, certificateSha256: 'ab'.repeat(32), role: 'Root', part: 'from', state: 'Gone', notAfter: '2035-01-01T00:00:00Z' },
    { keyIdentifier: newRoot, certificateSha256: 'cd'.repeat(32), role: 'Root', part: 'to', state: 'Active', notAfter: '2036-03-01T00:00:00Z' },
  ],
  bundles: [
    { generation: 1, roots: [oldRoot] },
    { generation: 2, roots: [oldRoot, newRoot] },
    { generation: 3, sha256: 'ef'.repeat(32), roots: [newRoot] },
  ],
  phases: [
    { phase: 'Prepare', startedAt: '2026-03-01T09:00:01Z' },
    { phase: 'Complete', startedAt: '2026-03-01T11:30:00Z' },
  ],
  gates: [
    { name: 'Written', phase: 'Confirm', state: 'Passed', evidence: ['observed'], done: 12, total: 12, since: '2026-03-01T09:00:01Z', passedAt: '2026-03-01T09:00:03Z' },
    { name: 'Loaded', phase: 'Confirm', state: 'Passed', evidence: ['bounded', 'exempted'], done: 12, total: 12, passedAt: '2026-03-01T10:01:33Z', stragglers: ['Pod shop/till-0'] },
  ],
  counts: { reissued: 12, targetsWritten: 14, stragglers: 1, exempted: 1 },
  exemptions: [{ object: 'Pod shop/till-0', reason: 'it is replaced tonight', until: '2026-03-02T00:00:00Z' }],
  approvals: ['Switch'],
};
