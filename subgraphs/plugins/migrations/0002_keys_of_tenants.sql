-- Keys that are there have no tenant: see I2 of subgraphs/shared/once.ts. A process of before goes on to write such keys meanwhile.
ALTER TABLE "plugins"."idempotency_keys" ADD COLUMN "tenant" text NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE "plugins"."idempotency_keys" DROP CONSTRAINT "idempotency_keys_pkey", ADD PRIMARY KEY ("tenant", "principal", "key");
