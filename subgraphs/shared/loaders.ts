import DataLoader from 'dataloader';
import { type PageArguments, type PageRequest, parsePage } from './paging.js';

export interface PageOfKey {
  id: string;
  first: number;
  after: string | null;
}

/**
 * Loads the first children of many parents: one call of `load` for all parents that are asked for the same page.
 *
 * @param load - returns the rows of each parent, in the order of `ids`
 */
export function createPageLoader<Row>(
  load: (ids: readonly string[], page: PageRequest) => Promise<Row[][]>,
): DataLoader<PageOfKey, Row[], string> {
  const toKey = ({ id, first, after }: PageOfKey): string => JSON.stringify([first, after, id]);
  return new DataLoader<PageOfKey, Row[], string>(
    async (keys) => {
      const pages = new Map<string, PageOfKey[]>();
      for (const key of keys) pages.set(`${key.first} ${key.after}`, [...(pages.get(`${key.first} ${key.after}`) ?? []), key]);
      const found = new Map<string, Row[]>();
      for (const group of pages.values()) {
        const rows = await load(
          group.map(({ id }) => id),
          parsePage(group[0] as PageArguments),
        );
        group.forEach((key, index) => found.set(toKey(key), rows[index] ?? []));
      }
      return keys.map((key) => found.get(toKey(key)) ?? []);
    },
    { cacheKeyFn: toKey },
  );
}
