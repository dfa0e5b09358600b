import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { PublicAuditKey } from './audit-key.ts';
import { canonicalJson, digestOf } from './canonical.ts';
import { receiptFormat } from './document.ts';
import { signatureAlgorithm, type ReceiptFile } from './sign.ts';

/** What became of looking at a receipt. `receipt` is there whenever it could be read, sound or not. */
export interface ReceiptVerdict {
  /** Everything that is wrong, in sentences; none: it is what was signed. */
  readonly problems: readonly string[];
  readonly receipt: ReceiptFile['receipt'] | undefined;
  readonly keyId: string | undefined;
  /** Whether the key was given by the caller; otherwise the receipt's own word for its key is all that there is. */
  readonly keyIsTrusted: boolean;
}

type Plain = Readonly<Record<string, unknown>>;

/**
 * Whether a file is a receipt, byte by byte as it was signed. Never throws for any input.
 * @param trusted keys that the caller trusts; undefined: the one that the receipt names is used
 */
export function verifyReceipt(bytes: Uint8Array, trusted: readonly PublicAuditKey[] | undefined): ReceiptVerdict {
  const parsed = parse(bytes);
  if ('problem' in parsed) return { problems: [parsed.problem], receipt: undefined, keyId: undefined, keyIsTrusted: false };
  const { text, file } = parsed;
  const problems = [...formProblems(text, file), ...formatProblems(file.receipt), ...digestProblems(file.receipt), ...signatureProblems(file, trusted)];
  return { problems, receipt: file.receipt, keyId: file.signature.keyId, keyIsTrusted: trusted !== undefined };
}

function parse(bytes: Uint8Array): { readonly text: string; readonly file: ReceiptFile } | { readonly problem: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { problem: 'it is not UTF-8 text' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const where = error instanceof Error ? /position \d+/u.exec(error.message)?.[0] : undefined;
    return { problem: `it is not JSON${where === undefined ? '' : ` (${where})`}` };
  }
  if (!isPlain(value)) return { problem: 'it is no JSON object' };
  const others = Object.keys(value).filter((name) => name !== 'receipt' && name !== 'signature');
  if (!isPlain(value['receipt']) || !isPlain(value['signature'])) return { problem: 'it has not the parts "receipt" and "signature": it is no receipt of a rotation' };
  if (others.length > 0) return { problem: `it has a part "${others[0]}" that no receipt has` };
  const { receipt, signature } = value;
  const wanted = ['algorithm', 'keyId', 'publicKey', 'value'];
  const wrong = [...wanted.filter((name) => typeof signature[name] !== 'string'), ...Object.keys(signature).filter((name) => !wanted.includes(name))];
  if (wrong.length > 0) return { problem: `the field "${wrong[0]}" of its signature is missing, or is none of a signature's` };
  return { text, file: { receipt, signature } as unknown as ReceiptFile };
}

/** What is not written as it was signed is not the file that was written, even if it says the same. */
function formProblems(text: string, file: ReceiptFile): readonly string[] {
  let wanted: string;
  try {
    wanted = `${canonicalJson(file)}\n`;
  } catch {
    return ['it has no canonical form: it holds text that is no Unicode, or is nested too deeply'];
  }
  if (text === wanted) return [];
  let at = 0;
  while (at < text.length && text[at] === wanted[at]) at += 1;
  return [`it is not written as it was signed: character ${at + 1} differs from the canonical form (RFC 8785)`];
}

function formatProblems(receipt: ReceiptFile['receipt']): readonly string[] {
  const format: unknown = receipt.format;
  if (format === receiptFormat) return [];
  return [`its format is ${typeof format === 'string' ? `"${format}"` : 'missing'}; this mtlsd reads "${receiptFormat}"`];
}

/** Names the parts that are not what was signed. Alone they prove nothing, since they stand in the receipt: the signature does. */
function digestProblems({ digests, format: _format, ...parts }: ReceiptFile['receipt']): readonly string[] {
  if (!isPlain(digests)) return ['the digests of its parts are missing'];
  const names = new Set([...Object.keys(parts), ...Object.keys(digests)]);
  return [...names].flatMap((name) => {
    if (!Object.hasOwn(parts, name)) return [`its part "${name}" is missing`];
    if (!Object.hasOwn(digests, name)) return [`its part "${name}" was not there when it was signed`];
    return safeDigest((parts as Plain)[name]) === digests[name] ? [] : [`its part "${name}" is not what was signed`];
  });
}

function safeDigest(part: unknown): string | undefined {
  try {
    return digestOf(part);
  } catch {
    return undefined;
  }
}

function signatureProblems({ receipt, signature }: ReceiptFile, trusted: readonly PublicAuditKey[] | undefined): readonly string[] {
  const { algorithm, keyId, publicKey, value } = signature;
  const problems: string[] = [];
  if ((algorithm as string) !== signatureAlgorithm) problems.push(`its signature is "${algorithm}"; this mtlsd verifies "${signatureAlgorithm}"`);
  if (createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex') !== keyId) problems.push('its public key is not the one that keyId names');
  for (const [name, text] of [['publicKey', publicKey], ['value', value]] as const) {
    if (Buffer.from(text, 'base64').toString('base64') !== text) problems.push(`the field "${name}" of its signature is no base64`);
  }
  const given = trusted?.find((each) => each.keyId === keyId);
  if (trusted !== undefined && given === undefined) problems.push(`it is signed by key ${keyId}, which is none of the keys that were given`);
  const key = given === undefined ? keyOf(publicKey) : createPublicKey(given.pem);
  if (key === undefined) problems.push('its public key cannot be used');
  else if (!isSigned(receipt, value, key)) problems.push('its signature is not over this receipt');
  return problems;
}

function keyOf(publicKey: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

function isSigned(receipt: object, value: string, key: KeyObject): boolean {
  try {
    return verify('sha256', Buffer.from(canonicalJson(receipt), 'utf8'), key, Buffer.from(value, 'base64'));
  } catch {
    return false;
  }
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
