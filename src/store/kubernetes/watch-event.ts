import { asStatus, type ApiStatus } from './status.ts';
import { isWireObject, type WireObject } from './wire-object.ts';

/** One line of a watch. */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: WireObject }
  /** Nothing changed up to here; `initialEventsEnd`: all objects of this moment have been sent. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly type: 'ERROR'; readonly status: ApiStatus };

/** A line that no API server sends: cut, garbled, or of something else. */
export class WatchProtocolError extends Error {
  override readonly name = 'WatchProtocolError';
}

const initialEventsEnd = 'k8s.io/initial-events-end';

/** Reads one line. Its text is never quoted: it may hold what no log should. @throws WatchProtocolError */
export function parseWatchEvent(line: Buffer): WatchEvent {
  const { type, object } = parseLine(line);
  if (type === 'ERROR') return { type, status: asStatus(object) ?? { message: 'the watch ended with an error that is no Status' } };
  if (type === 'BOOKMARK') return bookmark(object);
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') throw new WatchProtocolError('a line of the watch has no known type');
  if (!isWireObject(object)) throw new WatchProtocolError('a line of the watch holds an object without name, uid or resourceVersion');
  return { type, object };
}

function parseLine(line: Buffer): { readonly type?: unknown; readonly object?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    throw new WatchProtocolError(`a line of the watch is no JSON (${line.length} bytes)`);
  }
  if (typeof value !== 'object' || value === null) throw new WatchProtocolError('a line of the watch is no object');
  return value;
}

function bookmark(object: unknown): WatchEvent {
  const metadata = (object as { readonly metadata?: { readonly resourceVersion?: unknown; readonly annotations?: Readonly<Record<string, unknown>> } } | null)?.metadata;
  if (typeof metadata?.resourceVersion !== 'string') throw new WatchProtocolError('a bookmark of the watch has no resourceVersion');
  return { type: 'BOOKMARK', resourceVersion: metadata.resourceVersion, initialEventsEnd: metadata.annotations?.[initialEventsEnd] === 'true' };
}
