CREATE SCHEMA IF NOT EXISTS "payloads";
--> statement-breakpoint
CREATE TABLE "payloads"."payloads" (
  "digest" text PRIMARY KEY,
  "bytes" bytea NOT NULL,
  "expires_at" timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX "payloads_expiry" ON "payloads"."payloads" ("expires_at");
