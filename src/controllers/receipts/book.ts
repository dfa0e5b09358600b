import { hash } from 'node:crypto';
import { isMtlsdError } from '../../errors/index.ts';
import { labels, managedByMtlsd, receiptsPrefix, type ConfigMap } from '../../resources/index.ts';
import { publicKeysEntry, publicKeysPem, readPublicKeys, signReceipt, type PublicAuditKey, type ReceiptDocument, type ReceiptFile } from '../../rotation/receipt/index.ts';
import type { Precondition } from '../../store/port.ts';
import type { ControllerContext } from '../context.ts';
import { auditKeys } from './audit-keys.ts';

/** What is kept for each trust domain (L17): the newest, as many as fit. */
const receiptsMax = 32;
const bytesMax = 256 * 1024;
/** Somebody else wrote meanwhile, at most so often in a row. */
const triesMax = 6;

type Context = Pick<ControllerContext, 'store' | 'clock' | 'tools' | 'systemNamespace' | 'audit' | 'log'>;

/** Where a receipt was put. */
export interface KeptReceipt {
  /** Name of the ConfigMap, in mtlsd's own namespace. */
  readonly configMap: string;
  /** Its key in `data`. */
  readonly key: string;
  /** SHA-256 over the receipt's bytes, hexadecimal. */
  readonly sha256: string;
}

/**
 * Signs the receipt of a rotation and keeps it: one ConfigMap a trust domain, `mtlsd-receipts-<trust domain>`, holds the newest
 * receipts and the public keys. Whoever calls again for the same rotation (by uid), after a crash or as another replica, finds the
 * one that was kept; a receipt is never signed anew.
 * @throws STORE_… when it could not be kept: then call again
 */
export async function keepReceipt(context: Context, document: ReceiptDocument): Promise<KeptReceipt> {
  const { trustDomain, name, uid } = document.rotation;
  const configMap = `${receiptsPrefix}${trustDomain}`;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const existing = await context.store.get({ kind: 'ConfigMap', namespace: context.systemNamespace, name: configMap });
    const kept = receiptsIn(existing);
    const known = kept.find(({ rotation }) => rotation.uid === uid);
    if (known !== undefined) return { configMap, key: known.entry, sha256: hash('sha256', known.text, 'hex') };
    const keys = await auditKeys(context, publishedIn(existing));
    const entry = entryFor(name, uid, kept);
    const text = signReceipt(document, keys.current);
    const receipts = newest([...kept, { entry, text, rotation: document.rotation }]);
    const data = { ...Object.fromEntries(receipts.map((receipt) => [receipt.entry, receipt.text])), [publicKeysEntry]: publicKeysPem(keys) };
    if (!(await write(context, configMap, trustDomain, data, existing))) continue;
    context.audit.record({ decision: 'receipt-signed', object: `CARotation ${name}`, trustDomain, reason: `${document.rotation.outcome}; ConfigMap ${configMap}, ${entry}` });
    return { configMap, key: entry, sha256: hash('sha256', text, 'hex') };
  }
  throw new Error(`invariant broken: ConfigMap ${configMap} never settles`);
}

interface Kept {
  readonly entry: string;
  readonly text: string;
  readonly rotation: Pick<ReceiptDocument['rotation'], 'uid' | 'endedAt'>;
}

function receiptsIn(existing: ConfigMap | undefined): readonly Kept[] {
  return Object.entries(existing?.data ?? {}).flatMap(([entry, text]) => {
    if (entry === publicKeysEntry) return [];
    try {
      const { rotation } = (JSON.parse(text) as ReceiptFile).receipt;
      return [{ entry, text, rotation: { uid: rotation.uid, endedAt: rotation.endedAt } }];
    } catch {
      // Not one of ours, or no longer: it stays as long as there is room, for whoever wants to see what became of it.
      return [{ entry, text, rotation: { uid: '', endedAt: '' } }];
    }
  });
}

function publishedIn(existing: ConfigMap | undefined): readonly PublicAuditKey[] {
  try {
    return readPublicKeys(existing?.data[publicKeysEntry] ?? '');
  } catch {
    return [];
  }
}

/** Names come again: a rotation that was deleted may be followed by another of its name. Uids do not. */
function entryFor(name: string, uid: string, kept: readonly Kept[]): string {
  const plain = `${name}.json`;
  return kept.some(({ entry }) => entry === plain) ? `${name}-${uid.slice(0, 8)}.json` : plain;
}

function newest(receipts: readonly Kept[]): readonly Kept[] {
  const sorted = [...receipts].sort((a, b) => (a.rotation.endedAt < b.rotation.endedAt ? 1 : -1)).slice(0, receiptsMax);
  let bytes = 0;
  return sorted.filter(({ text }, index) => {
    bytes += Buffer.byteLength(text);
    return index === 0 || bytes <= bytesMax;
  });
}

/** False when somebody else wrote meanwhile. */
async function write(context: Context, name: string, trustDomain: string, data: Readonly<Record<string, string>>, existing: ConfigMap | undefined): Promise<boolean> {
  const expect: Precondition | 'absent' = existing === undefined ? 'absent' : { uid: existing.metadata.uid, resourceVersion: existing.metadata.resourceVersion };
  const metadata = { namespace: context.systemNamespace, name, labels: { [labels.managedBy]: managedByMtlsd, [labels.trustDomain]: trustDomain } };
  try {
    await context.store.write({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, expect);
    return true;
  } catch (error) {
    if (isMtlsdError(error, 'STORE_ALREADY_EXISTS', 'STORE_CONFLICT', 'STORE_NOT_FOUND')) return false;
    throw error;
  }
}
