CREATE SCHEMA IF NOT EXISTS "plugins";
--> statement-breakpoint
CREATE TABLE "plugins"."versions" (
  "id" text PRIMARY KEY,
  "plugin" text NOT NULL,
  "version" text NOT NULL,
  "digest" text NOT NULL,
  "size" bigint NOT NULL,
  "manifest" jsonb NOT NULL,
  "sdl" text NOT NULL,
  "readme" text,
  "published_at" timestamptz NOT NULL DEFAULT now(),
  "published_by" text NOT NULL,
  UNIQUE ("plugin", "version")
);
--> statement-breakpoint
CREATE TABLE "plugins"."installations" (
  "id" text PRIMARY KEY,
  "plugin" text NOT NULL UNIQUE,
  "version" text NOT NULL,
  "digest" text NOT NULL,
  "generation" integer NOT NULL,
  "granted" jsonb NOT NULL,
  "operation_id" text NOT NULL,
  "installed_at" timestamptz NOT NULL DEFAULT now(),
  "installed_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "plugins"."scan_reports" (
  "operation_id" text NOT NULL,
  "check" text NOT NULL,
  "plugin" text NOT NULL,
  "digest" text NOT NULL,
  "findings" jsonb NOT NULL,
  "scanned_at" timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY ("operation_id", "check")
);
