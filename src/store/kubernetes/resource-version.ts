const decimal = /^[1-9]\d*$/u;

/**
 * Whether `a` is older than `b`. resourceVersions of one resource type are decimal numbers that rise (promised since
 * Kubernetes 1.35); for anything else the answer is no.
 */
export function isOlder(a: string, b: string): boolean {
  if (!decimal.test(a) || !decimal.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
