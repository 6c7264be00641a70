// Progressive `@override(from:, label:)`: which labels hold for one operation, and so which service answers the fields under them.
// V1. `percent(n)` holds for n of 100 pairs of caller and document. A pair keeps its side: an operation that is repeated is answered
//     alike, and by growing n no pair goes back. One client that sends everything is divided by its documents.
// V2. Any other label holds for everyone or for nobody, by settings.
import { createHash } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import type { PrincipalId } from '#schema/contracts/ids';

const PERCENT = /^percent\((\d{1,3}(?:\.\d{1,8})?)\)$/;

export interface ActiveLabels {
  /** Sorted. @param caller.documentHash - of the normalised document */
  of(schema: GraphQLSchema, caller: { principal: PrincipalId; documentHash: string }): readonly string[];
}

/** @param options.labelsOf - of the generation that a schema object belongs to, sorted */
export function createActiveLabels(options: {
  active: readonly string[];
  labelsOf: (schema: GraphQLSchema) => readonly string[];
}): ActiveLabels {
  const active = new Set(options.active);
  return {
    of(schema, caller) {
      const labels = options.labelsOf(schema);
      if (labels.length === 0) return labels;
      const side = toPercentile(caller);
      return labels.filter((label) => {
        const [, percent] = PERCENT.exec(label) ?? [];
        return percent === undefined ? active.has(label) : side < Number(percent);
      });
    },
  };
}

/** Evenly spread over [0, 100). */
function toPercentile({ principal, documentHash }: { principal: PrincipalId; documentHash: string }): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([principal, documentHash]))
    .digest();
  return (digest.readUInt32BE(0) / 2 ** 32) * 100;
}
