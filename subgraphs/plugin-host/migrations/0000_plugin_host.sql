CREATE SCHEMA IF NOT EXISTS "plugin_host";
--> statement-breakpoint
CREATE TABLE "plugin_host"."admissions" (
  "service" text NOT NULL,
  "digest" text NOT NULL,
  "operation_id" text NOT NULL,
  "granted" jsonb NOT NULL,
  "admitted_at" timestamptz NOT NULL DEFAULT now(),
  "removed_at" timestamptz,
  PRIMARY KEY ("service", "digest")
);
