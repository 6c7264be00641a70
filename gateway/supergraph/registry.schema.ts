// Tables of the registry. The SQL in migrations/ is what creates them; both change together.
import { integer, jsonb, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import type { SchemaChange, ServedGeneration, SupergraphService } from '#schema/contracts/supergraph';

const supergraph = pgSchema('supergraph');

export const generations = supergraph.table('generations', {
  number: integer('number').primaryKey(),
  digest: text('digest').notNull(),
  supergraphSdl: text('supergraph_sdl').notNull(),
  services: jsonb('services').$type<readonly SupergraphService[]>().notNull(),
  changes: jsonb('changes').$type<readonly SchemaChange[]>().notNull().default([]),
  /** What asked for it; null at start-up. */
  requestId: text('request_id').unique(),
  publishedAt: timestamp('published_at', { withTimezone: true }).notNull().defaultNow(),
});

export const addresses = supergraph.table('addresses', {
  host: text('host').primaryKey(),
  url: text('url').notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
});

export const serving = supergraph.table('serving', {
  instance: text('instance').primaryKey(),
  role: text('role').$type<ServedGeneration['role']>().notNull(),
  number: integer('number').notNull(),
  seenAt: timestamp('seen_at', { withTimezone: true }).notNull().defaultNow(),
});
