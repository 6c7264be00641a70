// `@idempotent` mutations: the answer is stored with its key in the transaction of the effect, so that a repeat gets the first
// answer and changes nothing.
// I1. A key belongs to one principal of one tenant: another tenant's equal key is another key.
// I2. Keys stored before the tenant was part of them (`tenant` is empty) still hold: runs of that time repeat their calls.
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { jsonb, type PgSchema, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { CodedError } from '#schema/contracts/errors';
import type { ServiceCallFacts } from './create-subgraph.js';
import type { Drizzle, Transaction } from './drizzle.js';

/** Each service's own table of keys, in its schema. */
export function idempotencyTable(schema: PgSchema<string>) {
  return schema.table(
    'idempotency_keys',
    {
      tenant: text('tenant').notNull(),
      principal: text('principal').notNull(),
      key: text('key').notNull(),
      requestHash: text('request_hash').notNull(),
      response: jsonb('response'),
      createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    },
    (table) => [primaryKey({ columns: [table.tenant, table.principal, table.key] })],
  );
}

type IdempotencyTable = ReturnType<typeof idempotencyTable>;

/** Of rows that are older than the column. */
const NO_TENANT = '';

/** One mutation field of one service call. */
export interface OnceRequest {
  tenant: string;
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
  return { tenant: auth.tenant, principal: auth.principal, key: idempotencyKey, requestHash, responseKey };
}

/** The first answer; undefined when the key is new. @throws IDEMPOTENCY_KEY_REUSED when the key came with another call */
export async function recall<Result>(
  db: Drizzle,
  table: IdempotencyTable,
  request: OnceRequest & { key: string },
): Promise<Result | undefined> {
  const { key, requestHash, responseKey } = request;
  const found = await db
    .select()
    .from(table)
    .where(rowsOf(table, request, [key, toFieldKey(key, responseKey)]));
  if (found.some((row) => row.requestHash !== requestHash)) throw keyReused();
  return found.find((row) => row.key !== key)?.response as Result | undefined;
}

/** @throws IDEMPOTENCY_KEY_REUSED when the key came with another call */
export async function once<Result>(
  db: Drizzle,
  table: IdempotencyTable,
  request: OnceRequest,
  effect: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  const { tenant, principal, key, requestHash, responseKey } = request;
  return db.transaction(async (tx) => {
    if (key === null) return effect(tx);
    // A repeat that comes while the first one runs waits here for its end.
    const claim = async (of: string): Promise<boolean> => {
      const { rows } = await tx.execute(sql`
        insert into ${table} (tenant, principal, key, request_hash)
        select ${tenant}, ${principal}, ${of}, ${requestHash} where not exists (select 1 from ${table} where ${withoutTenant(table, principal, of)})
        on conflict do nothing returning key`);
      return rows.length > 0;
    };
    const find = async (of: string) =>
      (
        await tx
          .select()
          .from(table)
          .where(rowsOf(table, request, [of]))
      )[0];

    if (!(await claim(key)) && (await find(key))?.requestHash !== requestHash) throw keyReused();
    // A call may hold several fields, of which some have taken effect and others failed.
    const field = toFieldKey(key, responseKey);
    if (!(await claim(field))) return (await find(field))?.response as Result;
    const result = await effect(tx);
    await tx
      .update(table)
      .set({ response: result })
      .where(and(eq(table.tenant, tenant), eq(table.principal, principal), eq(table.key, field)));
    return result;
  });
}

function rowsOf(table: IdempotencyTable, { tenant, principal }: OnceRequest, keys: string[]): SQL | undefined {
  return and(inArray(table.tenant, [tenant, NO_TENANT]), eq(table.principal, principal), inArray(table.key, keys));
}

function withoutTenant(table: IdempotencyTable, principal: string, key: string): SQL | undefined {
  return and(eq(table.tenant, NO_TENANT), eq(table.principal, principal), eq(table.key, key));
}

export function toFieldKey(key: string, responseKey: string): string {
  return `${key}/${responseKey}`;
}

export function keyReused(): CodedError {
  return new CodedError('IDEMPOTENCY_KEY_REUSED', 'the idempotency key was used for another request');
}
