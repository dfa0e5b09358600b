import { isDeepStrictEqual } from 'node:util';

/** Freezes a tree of plain objects and arrays in place and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}

/** A copy as it would come back over the wire: no undefined, no shared parts, nothing that JSON cannot say. */
export function wireCopy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Whether two wire copies say the same; the order of keys does not matter. */
export function sameContent(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}
