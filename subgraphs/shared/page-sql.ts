import { type Column, sql, type SQL } from 'drizzle-orm';
import type { PageRequest } from './paging.js';

/** Rows strictly behind the cursor, in the order newest first. */
export function behind(at: Column, id: Column, { after }: PageRequest): SQL | undefined {
  return after === null ? undefined : sql`(date_trunc('milliseconds', ${at}), ${id}) < (${after.at}::timestamptz, ${after.id})`;
}

export function newestFirst(at: Column, id: Column): SQL {
  return sql`date_trunc('milliseconds', ${at}) desc, ${id} desc`;
}
