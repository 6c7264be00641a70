CREATE TABLE "files"."uploads" (
  "id" text PRIMARY KEY,
  "tenant_id" text NOT NULL,
  "owner_id" text NOT NULL,
  "name" text,
  "media_type" text,
  "size" bigint NOT NULL,
  "sha256" text NOT NULL,
  "created_at" timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX "uploads_tenant" ON "files"."uploads" ("tenant_id");
--> statement-breakpoint
CREATE INDEX "uploads_age" ON "files"."uploads" ("created_at");
