import type { StoredObject } from '../resources/index.ts';

/** Which of two claims to one thing is the better one: the older, the UID decides between equals. */
export function isOlder(a: Pick<StoredObject, 'metadata'>, b: Pick<StoredObject, 'metadata'>): boolean {
  const [atA, atB] = [Date.parse(a.metadata.creationTimestamp), Date.parse(b.metadata.creationTimestamp)];
  return atA < atB || (atA === atB && a.metadata.uid < b.metadata.uid);
}
