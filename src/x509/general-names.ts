import type { NameConstraintsView, SubjectAltNameView } from '../spiffe/index.ts';
import { contextTag, DerError, type DerElement, type DerReader, tag } from './der-reader.ts';
import { ia5Text } from './der-values.ts';

const emailTag = contextTag(1, false);
const dnsTag = contextTag(2, false);
const uriTag = contextTag(6, false);
const ipTag = contextTag(7, false);

/** [0], [3], [4] and [5] are constructed, [8] is primitive: RFC 5280 §4.2.1.6. */
const otherTags: ReadonlySet<number> = new Set([contextTag(0, true), contextTag(3, true), contextTag(4, true), contextTag(5, true), contextTag(8, false)]);

/** RFC 5952 §4: the longest run of zeros is left out, the first of equal ones. */
function ipv6Text(octets: Uint8Array): string {
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0));
  let [bestAt, bestLength] = [-1, 1];
  for (let at = 0; at < 8; at += 1) {
    let length = 0;
    while (groups[at + length] === 0) length += 1;
    if (length > bestLength) [bestAt, bestLength] = [at, length];
  }
  const text = (from: number, to: number): string => groups.slice(from, to).map((group) => group.toString(16)).join(':');
  return bestAt === -1 ? text(0, 8) : `${text(0, bestAt)}::${text(bestAt + bestLength, 8)}`;
}

function ipText(content: Uint8Array): string {
  if (content.length === 4) return content.join('.');
  if (content.length === 16) return ipv6Text(content);
  throw new DerError(`IP address of ${content.length} octets`);
}

/** Content of a subjectAltName extension (RFC 5280 §4.2.1.6). Throws DerError; an empty one is refused. */
export function readSubjectAltName(extension: DerReader, critical: boolean): SubjectAltNameView {
  const reader = extension.constructed(tag.sequence);
  extension.finish();
  const names = { uris: [] as string[], dnsNames: [] as string[], ipAddresses: [] as string[], emails: [] as string[], others: 0 };
  do {
    const name = reader.any();
    const content = reader.content(name);
    if (name.tag === uriTag) names.uris.push(ia5Text(content));
    else if (name.tag === dnsTag) names.dnsNames.push(ia5Text(content));
    else if (name.tag === ipTag) names.ipAddresses.push(ipText(content));
    else if (name.tag === emailTag) names.emails.push(ia5Text(content));
    else if (otherTags.has(name.tag)) names.others += 1;
    else throw new DerError(`no such type of name at offset ${name.start}`);
  } while (!reader.done);
  return { critical, ...names };
}

interface Subtrees {
  readonly uris: string[];
  readonly dnsNames: string[];
  others: number;
}

function readSubtrees(reader: DerReader, subtrees: Subtrees): void {
  do {
    const subtree = reader.constructed(tag.sequence);
    const base: DerElement = subtree.any();
    // RFC 5280 §4.2.1.10: minimum is 0, so DER leaves it out, and there is no maximum. A subtree that has them is counted
    // as one that cannot be applied.
    const bounded = !subtree.done;
    if (!bounded && base.tag === uriTag) subtrees.uris.push(ia5Text(subtree.content(base)));
    else if (!bounded && base.tag === dnsTag) subtrees.dnsNames.push(ia5Text(subtree.content(base)));
    else subtrees.others += 1;
  } while (!reader.done);
}

/** Content of a nameConstraints extension (RFC 5280 §4.2.1.10). Throws DerError; an empty one is refused. */
export function readNameConstraints(extension: DerReader, critical: boolean): NameConstraintsView {
  const reader = extension.constructed(tag.sequence);
  extension.finish();
  const permitted: Subtrees = { uris: [], dnsNames: [], others: 0 };
  const excluded: Subtrees = { uris: [], dnsNames: [], others: 0 };
  if (reader.done) throw new DerError('empty nameConstraints');
  const first = reader.optional(contextTag(0, true));
  if (first !== undefined) readSubtrees(reader.inside(first), permitted);
  const second = reader.optional(contextTag(1, true));
  if (second !== undefined) readSubtrees(reader.inside(second), excluded);
  reader.finish();
  return {
    critical,
    permittedUris: permitted.uris,
    excludedUris: excluded.uris,
    permittedDnsNames: permitted.dnsNames,
    excludedDnsNames: excluded.dnsNames,
    others: permitted.others + excluded.others,
  };
}
