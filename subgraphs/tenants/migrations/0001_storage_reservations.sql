CREATE TABLE "tenants"."storage_reservations" (
  "tenant_id" text NOT NULL REFERENCES "tenants"."tenants" ("id"),
  "id" text NOT NULL,
  "bytes" bigint NOT NULL,
  "created_at" timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY ("tenant_id", "id")
);
