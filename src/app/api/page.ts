import type { Page, PageAsked } from '../../server/index.ts';

/**
 * The first objects behind a key, in the order of their keys, which are unique. Nothing but the page is sorted or kept: a list
 * of a hundred thousand costs one look at each.
 */
export function pageOf<T>(objects: Iterable<T>, keyOf: (object: T) => string, { limit, after }: PageAsked): Page<T> {
  // One more than is wanted tells whether there are more.
  const found: { readonly key: string; readonly object: T }[] = [];
  for (const object of objects) {
    const key = keyOf(object);
    if (after !== undefined && key <= after) continue;
    const last = found.at(-1);
    if (found.length > limit && last !== undefined && key > last.key) continue;
    found.splice(placeOf(key, found), 0, { key, object });
    if (found.length > limit + 1) found.pop();
  }
  const items = found.slice(0, limit);
  return { items: items.map(({ object }) => object), more: found.length > limit ? items.at(-1)?.key : undefined };
}

/** Where a key belongs, by halving. */
function placeOf(key: string, sorted: readonly { readonly key: string }[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
