CREATE SCHEMA IF NOT EXISTS "blobs";
--> statement-breakpoint
CREATE TABLE "blobs"."blobs" (
  "digest" text PRIMARY KEY,
  "bytes" bytea NOT NULL,
  "created_at" timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE "blobs"."references" (
  "digest" text NOT NULL REFERENCES "blobs"."blobs" ("digest"),
  "owner" text NOT NULL,
  PRIMARY KEY ("digest", "owner")
);
