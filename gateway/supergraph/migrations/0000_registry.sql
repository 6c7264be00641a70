CREATE SCHEMA IF NOT EXISTS "supergraph";
--> statement-breakpoint
CREATE TABLE "supergraph"."generations" (
  "number" integer PRIMARY KEY,
  "digest" text NOT NULL,
  "supergraph_sdl" text NOT NULL,
  "services" jsonb NOT NULL,
  "request_id" text UNIQUE,
  "published_at" timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE "supergraph"."addresses" (
  "host" text PRIMARY KEY,
  "url" text NOT NULL,
  "updated_at" timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE "supergraph"."serving" (
  "instance" text PRIMARY KEY,
  "role" text NOT NULL,
  "number" integer NOT NULL,
  "seen_at" timestamptz NOT NULL DEFAULT now()
);
