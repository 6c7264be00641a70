// `@idempotent` mutations: the answer is stored with its key in the transaction of the effect, so that a repeat gets the first
// answer and changes nothing.
import { and, eq, inArray } from 'drizzle-orm';
import { jsonb, type PgSchema, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { CodedError } from '#schema/contracts/errors';
import type { ServiceCallFacts } from './create-subgraph.js';
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

/** One mutation field of one service call. */
export interface OnceRequest {
  principal: string;
  /** Null: the effect happens without being remembered. */
  key: string | null;
  /** Of the whole call: one key stands for one call with all its fields. */
  requestHash: string;
  responseKey: string;
}

export function toOnceRequest({
  auth,
  idempotencyKey,
  requestHash,
  responseKey,
}: Pick<ServiceCallFacts, 'auth' | 'idempotencyKey' | 'requestHash' | 'responseKey'>): OnceRequest {
  return { principal: auth.principal, key: idempotencyKey, requestHash, responseKey };
}

/** The first answer; undefined when the key is new. @throws IDEMPOTENCY_KEY_REUSED when the key came with another call */
export async function recall<Result>(
  db: Drizzle,
  table: ReturnType<typeof idempotencyTable>,
  { principal, key, requestHash, responseKey }: OnceRequest & { key: string },
): Promise<Result | undefined> {
  const found = await db
    .select()
    .from(table)
    .where(and(eq(table.principal, principal), inArray(table.key, [key, toFieldKey(key, responseKey)])));
  if (found.some((row) => row.requestHash !== requestHash)) throw keyReused();
  return found.find((row) => row.key !== key)?.response as Result | undefined;
}

/** @throws IDEMPOTENCY_KEY_REUSED when the key came with another call */
export async function once<Result>(
  db: Drizzle,
  table: ReturnType<typeof idempotencyTable>,
  { principal, key, requestHash, responseKey }: OnceRequest,
  effect: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (tx) => {
    if (key === null) return effect(tx);
    const row = (of: string) => and(eq(table.principal, principal), eq(table.key, of));
    // A repeat that comes while the first one runs waits here for its end.
    const claim = async (of: string): Promise<boolean> =>
      (await tx.insert(table).values({ principal, key: of, requestHash }).onConflictDoNothing().returning({ key: table.key })).length > 0;

    if (!(await claim(key))) {
      const [known] = await tx.select().from(table).where(row(key));
      if (known?.requestHash !== requestHash) throw keyReused();
    }
    // A call may hold several fields, of which some have taken effect and others failed.
    const field = toFieldKey(key, responseKey);
    if (!(await claim(field))) {
      const [known] = await tx.select().from(table).where(row(field));
      return known?.response as Result;
    }
    const result = await effect(tx);
    await tx.update(table).set({ response: result }).where(row(field));
    return result;
  });
}

export function toFieldKey(key: string, responseKey: string): string {
  return `${key}/${responseKey}`;
}

export function keyReused(): CodedError {
  return new CodedError('IDEMPOTENCY_KEY_REUSED', 'the idempotency key was used for another request');
}
