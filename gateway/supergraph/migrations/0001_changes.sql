ALTER TABLE "supergraph"."generations" ADD COLUMN "changes" jsonb NOT NULL DEFAULT '[]';
