/** Where a value stands in the response: its key and the place above it; null is the root. Keys are listed for errors only. */
export type Place = { readonly key: string | number; readonly up: Place } | null;

export function toKeys(place: Place): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at = place; at !== null; at = at.up) keys.push(at.key);
  return keys.reverse();
}
