CREATE TABLE "operations"."runs" (
  "id" text PRIMARY KEY,
  "workflow_id" text NOT NULL,
  "run_id" text NOT NULL,
  "workflow_type" text NOT NULL,
  "kind" text NOT NULL,
  "title" text NOT NULL,
  "tenant_id" text NOT NULL,
  "started_by" text NOT NULL,
  "plugin" text,
  "recovers" text,
  "is_recoverable" boolean NOT NULL,
  "listed_at" timestamptz(3) NOT NULL,
  "created_at" timestamptz(3),
  "status" text,
  "closed_at" timestamptz(3),
  "expires_at" timestamptz(3)
);
--> statement-breakpoint
CREATE INDEX "runs_newest" ON "operations"."runs" ("listed_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE INDEX "runs_of_tenant" ON "operations"."runs" ("tenant_id", "listed_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE INDEX "runs_of_starter" ON "operations"."runs" ("tenant_id", "started_by", "listed_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE INDEX "runs_expiring" ON "operations"."runs" ("expires_at") WHERE "expires_at" IS NOT NULL;
--> statement-breakpoint
CREATE TABLE "operations"."followed" (
  "source" text PRIMARY KEY,
  "until" timestamptz(3) NOT NULL
);
