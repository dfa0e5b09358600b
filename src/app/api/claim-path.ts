/** Where a claim stands: names from the outside in. */
export type ClaimPath = readonly string[];

/** `repository_id`, or a JSON pointer (RFC 6901) for a claim within another: `/kubernetes.io/namespace`. */
export function readClaimPath(text: string): ClaimPath {
  if (!text.startsWith('/')) return [text];
  return text.slice(1).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A claim as one segment of a SPIFFE ID's path, or why it cannot be one. What it says is not repeated. */
export type Segment = { readonly segment: string } | { readonly problem: string };

/** SPIFFE-3, and bounded: eight of these fit into an ID. */
const segment = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/u;

/**
 * The claim at `path` as a segment. It stands as it is or not at all: with any escape, two claims could become one segment,
 * and with it one identity.
 */
export function claimSegment(claims: Readonly<Record<string, unknown>>, path: ClaimPath): Segment {
  const name = path.join('/');
  const value = path.reduce<unknown>((whole, part) => (typeof whole === 'object' && whole !== null && Object.hasOwn(whole, part) ? (whole as Readonly<Record<string, unknown>>)[part] : undefined), claims);
  if (value === undefined) return { problem: `the token has no claim ${name}` };
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string') return { problem: `claim ${name} is neither a text nor a whole number` };
  return segment.test(text) ? { segment: text } : { problem: `claim ${name} cannot be a segment of a SPIFFE ID (1 to 128 of A-Z, a-z, 0-9, ".", "_" and "-"): have the configuration use another claim` };
}
