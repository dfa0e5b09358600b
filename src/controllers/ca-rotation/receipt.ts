import type { AuthorityRecord } from '../../authority/index.ts';
import type { CARotation } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import { keepReceipt as keep } from '../receipts/book.ts';
import { receiptDocument } from '../receipts/document.ts';

type Receipt = NonNullable<NonNullable<CARotation['status']>['receipt']>;

/**
 * Keeps the signed receipt of a rotation that has ended. Whoever calls again finds the one that was kept.
 * @throws STORE_… when it could not be kept; invariant broken for a rotation that never began
 */
export async function keepReceipt(context: ControllerContext, object: CARotation, record: AuthorityRecord): Promise<Receipt> {
  const document = receiptDocument(object, record);
  if (document === undefined) throw new Error(`invariant broken: CARotation ${object.metadata.name} has not ended`);
  return keep(context, document);
}
