type JsonRecord = Readonly<Record<string, unknown>>;

/**
 * Whether a status says the same: then it is not written, and when everything has converged nothing is (zero writes).
 * A member that is undefined counts as left out, as it does on the wire.
 */
export function sameStatus(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameList(a, b);
  return sameRecord(a as JsonRecord, b as JsonRecord);
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => sameStatus(item, b[index]));
}

function sameRecord(a: JsonRecord, b: JsonRecord): boolean {
  for (const name of Object.keys(a)) if (!sameStatus(a[name], b[name])) return false;
  for (const name of Object.keys(b)) if (b[name] !== undefined && a[name] === undefined) return false;
  return true;
}
