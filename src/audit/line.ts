import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** What a line says, besides its place in the chain. `decision` is always there. */
export type LineContent = Readonly<Record<string, string | number | boolean | object>> & { readonly decision: string };

/** A line that was read. */
export interface AuditLine {
  /** `<replica>/<start>`: all lines of one process. */
  readonly chain: string;
  /** Counts the lines of a chain from 0. */
  readonly sequence: number;
  /** SHA-256, hexadecimal, over the bytes of the line before, without its line break; zeros in the first. */
  readonly previous: string;
  /** RFC 3339. */
  readonly time: string;
  readonly decision: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** The line itself, without its line break. */
  readonly text: string;
}

/** What was a line. */
interface UnreadableLine {
  /** Completing "this line …". */
  readonly problem: string;
  readonly text: string;
}

/** Every line begins with this: collectors and people tell it from a log line. */
const opening = '{"audit":true,';
/** No line that is written is longer, in bytes. */
export const lineBytesMax = 16 * 1024;
/** What the first line of a chain has for a hash. */
export const noHash = '0'.repeat(64);

/** SHA-256 over a line, hexadecimal: what the next line refers to. */
export function hashOf(text: string): string {
  return hash('sha256', text, 'hex');
}

/** The text of a line, without a line break: canonical JSON (RFC 8785), in which `audit` comes first. */
export function encodeLine(place: Pick<AuditLine, 'chain' | 'sequence' | 'previous' | 'time'>, content: LineContent): string {
  const text = canonicalize({ ...content, ...place, audit: true });
  if (text?.startsWith(opening) !== true) throw new Error('invariant broken: a line of the audit log begins with "audit"');
  return text;
}

/**
 * Reads a line out of what a collector made of it: anything may stand before it (a time, the name of a container), nothing behind.
 * @returns undefined for what is no line of an audit log; a problem for one that is none as it was written
 */
export function parseLine(raw: string): AuditLine | UnreadableLine | undefined {
  const at = raw.indexOf(opening);
  if (at < 0) return undefined;
  const text = raw.slice(at);
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (canonicalize(value) !== text) return { problem: 'is not written as mtlsd writes lines (canonical JSON): it was changed, or something wrote it anew', text };
  } catch {
    return { problem: 'cannot be read: it was cut or changed', text };
  }
  const { chain, sequence, previous, time, decision } = value;
  const isWhole = typeof chain === 'string' && Number.isSafeInteger(sequence) && typeof previous === 'string' && typeof time === 'string' && typeof decision === 'string';
  if (!isWhole) return { problem: 'is not a line of a chain: its chain, sequence, previous, time or decision is missing', text };
  return { chain, sequence: sequence as number, previous, time, decision, content: value, text };
}
