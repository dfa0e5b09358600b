import { isMtlsdError } from '../../errors/index.ts';
import { labels, managedByMtlsd, type Secret } from '../../resources/index.ts';
import { auditKey, auditKeyAlgorithm, decodeAuditKeys, encodeAuditKeys, isAuditKeyOld, replaceAuditKey, type AuditKeys, type PublicAuditKey } from '../../rotation/receipt/index.ts';
import type { Precondition } from '../../store/port.ts';
import type { ControllerContext } from '../context.ts';

/** The Secret, beside the authority records, with the key that signs receipts and the checkpoints of the audit log. */
const auditKeyName = 'mtlsd-audit-key';
const auditKeyType = 'mtlsd.io/audit-key';
/** Another replica made the key meanwhile, at most so often in a row. */
const triesMax = 4;

type Context = Pick<ControllerContext, 'store' | 'clock' | 'tools' | 'systemNamespace' | 'audit' | 'log'>;

/**
 * The key of this installation for receipts and the audit log: made once, replaced after a year, or when its Secret is gone or cannot be used.
 * @param published public keys that auditors know, for when the Secret does not know them any more
 * @throws STORE_… when it can neither be read nor made
 */
export async function auditKeys(context: Context, published: readonly PublicAuditKey[]): Promise<AuditKeys> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const secret = await context.store.get({ kind: 'Secret', namespace: context.systemNamespace, name: auditKeyName });
    const known = secret === undefined ? undefined : decodeAuditKeys(secret.data);
    if (known !== undefined && !isAuditKeyOld(known, context.clock.nowMs())) return known;
    const made = await make(context, secret, known, published);
    if (made !== undefined) return made;
  }
  throw new Error('invariant broken: the audit key never settles');
}

/** Undefined when somebody else was faster. */
async function make(context: Context, secret: Secret | undefined, known: AuditKeys | undefined, published: readonly PublicAuditKey[]): Promise<AuditKeys | undefined> {
  const next = auditKey(await context.tools.generateKeyPair(auditKeyAlgorithm), context.clock.nowMs());
  const keys = replaceAuditKey({ current: known?.current, earlier: [...(known?.earlier ?? []), ...published] }, next);
  const expect: Precondition | 'absent' = secret === undefined ? 'absent' : { uid: secret.metadata.uid, resourceVersion: secret.metadata.resourceVersion };
  try {
    await context.store.write(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        type: auditKeyType,
        metadata: { namespace: context.systemNamespace, name: auditKeyName, labels: { [labels.managedBy]: managedByMtlsd } },
        // The key of pseudonyms lies beside it.
        data: { ...secret?.data, ...encodeAuditKeys(keys) },
      },
      expect,
    );
  } catch (error) {
    if (isMtlsdError(error, 'STORE_ALREADY_EXISTS', 'STORE_CONFLICT', 'STORE_NOT_FOUND')) return undefined;
    throw error;
  }
  const reason = known === undefined ? (secret === undefined ? 'there was none' : 'the one before could not be used') : 'the one before was a year old';
  context.audit.record({ decision: 'audit-key-created', object: `Secret ${context.systemNamespace}/${auditKeyName}`, reason: `${reason}; SHA-256 of the new one ${next.keyId}` });
  // The first one is nothing that anybody waits for; one that takes the place of another is.
  context.log[secret === undefined ? 'debug' : 'info']('a new key signs the audit log and the receipts of rotations', { keyId: next.keyId, reason });
  return keys;
}
