CREATE SCHEMA IF NOT EXISTS "files";
--> statement-breakpoint
CREATE TABLE "files"."folders" (
  "id" text PRIMARY KEY,
  "tenant_id" text NOT NULL,
  "parent_id" text REFERENCES "files"."folders" ("id"),
  "name" text NOT NULL,
  "created_at" timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE UNIQUE INDEX "folders_name" ON "files"."folders" ("tenant_id", COALESCE("parent_id", ''), "name");
--> statement-breakpoint
CREATE INDEX "folders_page" ON "files"."folders" ("tenant_id", "created_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE TABLE "files"."files" (
  "id" text PRIMARY KEY,
  "tenant_id" text NOT NULL,
  "owner_id" text NOT NULL,
  "folder_id" text REFERENCES "files"."folders" ("id"),
  "name" text NOT NULL,
  "media_type" text NOT NULL,
  "size" bigint NOT NULL,
  "sha256" text NOT NULL,
  "created_at" timestamptz NOT NULL DEFAULT now(),
  "updated_at" timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE UNIQUE INDEX "files_name" ON "files"."files" ("tenant_id", COALESCE("folder_id", ''), "name");
--> statement-breakpoint
CREATE INDEX "files_page" ON "files"."files" ("tenant_id", "created_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE INDEX "files_folder" ON "files"."files" ("folder_id", "created_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE INDEX "files_owner" ON "files"."files" ("owner_id", "created_at" DESC, "id" DESC);
--> statement-breakpoint
CREATE TABLE "files"."idempotency_keys" (
  "principal" text NOT NULL,
  "key" text NOT NULL,
  "request_hash" text NOT NULL,
  "response" jsonb,
  "created_at" timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY ("principal", "key")
);
