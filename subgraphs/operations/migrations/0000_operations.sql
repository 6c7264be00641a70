CREATE SCHEMA IF NOT EXISTS "operations";
--> statement-breakpoint
CREATE TABLE "operations"."attention" (
  "operation_id" text PRIMARY KEY,
  "recovery_id" text NOT NULL,
  "tenant_id" text NOT NULL,
  "started_by" text NOT NULL,
  "state" text NOT NULL,
  "version" integer NOT NULL,
  "opened_at" timestamptz NOT NULL,
  "updated_at" timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX "attention_unresolved" ON "operations"."attention" ("tenant_id", "opened_at" DESC) WHERE "state" <> 'RESOLVED';
--> statement-breakpoint
CREATE TABLE "operations"."audit" (
  "number" bigint PRIMARY KEY,
  "at" text NOT NULL,
  "actor" text NOT NULL,
  "tenant_id" text NOT NULL,
  "action" text NOT NULL,
  "object" text NOT NULL,
  "hash" text NOT NULL
);
