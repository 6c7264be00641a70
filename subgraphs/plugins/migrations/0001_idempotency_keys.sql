CREATE TABLE "plugins"."idempotency_keys" (
  "principal" text NOT NULL,
  "key" text NOT NULL,
  "request_hash" text NOT NULL,
  "response" jsonb,
  "created_at" timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY ("principal", "key")
);
