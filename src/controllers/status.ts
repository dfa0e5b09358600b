import { isDeepStrictEqual } from 'node:util';

/** Whether a status says the same: then it is not written, and when everything has converged nothing is (zero writes). */
export function sameStatus(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(withoutUndefined(a), withoutUndefined(b));
}

function withoutUndefined(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}
