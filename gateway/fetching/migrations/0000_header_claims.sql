CREATE SCHEMA IF NOT EXISTS "fetching";
--> statement-breakpoint
CREATE TABLE "fetching"."header_claims" (
  "ref" uuid PRIMARY KEY,
  "key_id" text NOT NULL,
  "sealed" bytea NOT NULL,
  "ends_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "header_claims_end" ON "fetching"."header_claims" ("ends_at_ms");
