// `@idempotent` mutations: the answer is stored with its key in the transaction of the effect, so that a repeat gets the first
// answer and changes nothing.
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { jsonb, type PgSchema, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { CodedError } from '#schema/contracts/errors';
import type { Drizzle, Transaction } from './drizzle.js';

/** Each service's own table of keys, in its schema. */
export function idempotencyTable(schema: PgSchema<string>) {
  return schema.table(
    'idempotency_keys',
    {
      principal: text('principal').notNull(),
      key: text('key').notNull(),
      requestHash: text('request_hash').notNull(),
      response: jsonb('response'),
      createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    },
    (table) => [primaryKey({ columns: [table.principal, table.key] })],
  );
}

export interface OnceRequest {
  principal: string;
  /** Null: the effect happens without being remembered. */
  key: string | null;
  field: string;
  args: unknown;
}

/** @throws CONFLICT when the key was used for another request */
export async function once<Result>(
  db: Drizzle,
  table: ReturnType<typeof idempotencyTable>,
  request: OnceRequest,
  effect: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (tx) => {
    if (request.key === null) return effect(tx);
    // One HTTP request may hold several mutation fields under one key.
    const key = `${request.key}/${request.field}`;
    const requestHash = createHash('sha256')
      .update(JSON.stringify([request.field, request.args]))
      .digest('hex');
    const inserted = await tx
      .insert(table)
      .values({ principal: request.principal, key, requestHash })
      .onConflictDoNothing()
      .returning({ key: table.key });
    const mine = sql`${table.principal} = ${request.principal} and ${table.key} = ${key}`;
    if (inserted.length === 0) {
      const [known] = await tx.select().from(table).where(mine);
      if (known?.requestHash !== requestHash) throw new CodedError('CONFLICT', 'the idempotency key was used for another request');
      return known.response as Result;
    }
    const result = await effect(tx);
    await tx.update(table).set({ response: result }).where(mine);
    return result;
  });
}
