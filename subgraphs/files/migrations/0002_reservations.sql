CREATE TABLE "files"."reservations" (
  "id" text PRIMARY KEY,
  "tenant_id" text NOT NULL,
  "bytes" bigint NOT NULL,
  "expires_at" timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX "reservations_tenant" ON "files"."reservations" ("tenant_id");
