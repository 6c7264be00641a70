ALTER TABLE "blobs"."blobs" ALTER COLUMN "bytes" DROP NOT NULL;
--> statement-breakpoint
ALTER TABLE "blobs"."blobs" ADD COLUMN "parts" text;
--> statement-breakpoint
ALTER TABLE "blobs"."blobs" ADD CONSTRAINT "blobs_content" CHECK (("bytes" IS NULL) <> ("parts" IS NULL));
--> statement-breakpoint
CREATE TABLE "blobs"."parts" (
  "id" text NOT NULL,
  "n" integer NOT NULL,
  "bytes" bytea NOT NULL,
  PRIMARY KEY ("id", "n")
);
--> statement-breakpoint
ALTER TABLE "blobs"."parts" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;
--> statement-breakpoint
CREATE TABLE "blobs"."drafts" (
  "id" text PRIMARY KEY,
  "touched_at" timestamptz NOT NULL DEFAULT now()
);
