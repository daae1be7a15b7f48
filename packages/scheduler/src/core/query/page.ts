import { utf8Length } from "@berth/protocol";

/** One page of a listing, and whether more follows. */
export interface Page<View> {
  readonly views: View[];
  readonly more: boolean;
}

/**
 * The first of `records` as views: at most `limit` of them, and no more than fit `bytesMax` of JSON
 * (null: any number of bytes), but always one where there is one.
 */
export function takePage<Item, View>(
  records: Iterable<Item>,
  { limit, bytesMax }: { readonly limit: number; readonly bytesMax: number | null },
  makeView: (record: Item) => View,
): Page<View> {
  const views: View[] = [];
  let bytes = 0;
  for (const record of records) {
    if (views.length >= limit) return { views, more: true };
    const view = makeView(record);
    if (bytesMax !== null) {
      bytes += utf8Length(JSON.stringify(view)) + 1;
      if (bytes > bytesMax && views.length > 0) return { views, more: true };
    }
    views.push(view);
  }
  return { views, more: false };
}
