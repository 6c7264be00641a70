import { expect, vi } from 'vitest';
import type { Database } from '#platform/database/open-database';

/** Runs `work`, which must answer without errors. @returns how many SQL statements it took */
export async function countStatements({ pool }: Database, work: () => Promise<{ errors?: unknown }>): Promise<number> {
  const client = await pool.connect();
  const prototype = Object.getPrototypeOf(client) as { query(...args: unknown[]): unknown };
  client.release();
  const spy = vi.spyOn(prototype, 'query');
  expect((await work()).errors).toBeUndefined();
  const { length } = spy.mock.calls;
  spy.mockRestore();
  return length;
}
