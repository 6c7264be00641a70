CREATE SCHEMA IF NOT EXISTS "tenants";
--> statement-breakpoint
CREATE TABLE "tenants"."tenants" (
  "id" text PRIMARY KEY,
  "name" text NOT NULL,
  "slug" text NOT NULL UNIQUE,
  "plan" text NOT NULL,
  "status" text NOT NULL DEFAULT 'ACTIVE',
  "locale" text NOT NULL DEFAULT 'en',
  "time_zone" text NOT NULL DEFAULT 'UTC',
  "allow_public_links" boolean NOT NULL DEFAULT false,
  "storage_quota" bigint NOT NULL,
  "member_quota" integer NOT NULL,
  "created_at" timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX "tenants_page" ON "tenants"."tenants" ("created_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE TABLE "tenants"."members" (
  "id" text PRIMARY KEY,
  "tenant_id" text NOT NULL REFERENCES "tenants"."tenants" ("id"),
  "name" text NOT NULL,
  "email" text NOT NULL,
  "role" text NOT NULL,
  "joined_at" timestamptz NOT NULL DEFAULT now(),
  UNIQUE ("tenant_id", "email")
);
--> statement-breakpoint
CREATE INDEX "members_page" ON "tenants"."members" ("tenant_id", "joined_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE TABLE "tenants"."idempotency_keys" (
  "principal" text NOT NULL,
  "key" text NOT NULL,
  "request_hash" text NOT NULL,
  "response" jsonb,
  "created_at" timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY ("principal", "key")
);
