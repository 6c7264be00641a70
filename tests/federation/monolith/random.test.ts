import fc from 'fast-check';
import { getNamedType, type GraphQLNamedType, isAbstractType, isCompositeType, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { askMerged, merged, world } from '../support/library.js';
import { runs } from '../support/runtime.js';

/** Arguments that a field must have; all others keep their defaults. */
const REQUIRED: Record<string, string> = { book: '(id: "b1")', person: '(id: "p2")', any: '(kind: "book")' };

/** A random selection set of `type`, at most `depth` levels deep. */
function selection(type: GraphQLNamedType, depth: number): fc.Arbitrary<string> {
  if (!isCompositeType(type)) return fc.constant('');
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
  const plain = fields
    .filter((field) => depth > 0 || !isCompositeType(getNamedType(field.type)))
    .map((field) =>
      fc
        .tuple(
          fc.option(fc.constantFrom('x', 'y', 'id'), { freq: 6 }),
          selection(getNamedType(field.type), depth - 1),
          fc.constantFrom('', '', '', ' @include(if: $yes)', ' @skip(if: $no)'),
        )
        // An alias is unique by the field's name, or selections would conflict.
        .map(
          ([alias, inner, directive]) =>
            `${alias === null ? '' : `${alias}_${field.name}: `}${field.name}${type.name === 'Query' ? (REQUIRED[field.name] ?? '') : ''}${directive} ${inner}`,
        ),
    );
  const fragments =
    isAbstractType(type) && depth > 0
      ? merged.getPossibleTypes(type).map((possible) => selection(possible, depth - 1).map((inner) => `... on ${possible.name} ${inner}`))
      : [];
  const choices = [...plain, ...fragments];
  return fc
    .subarray(choices, { minLength: choices.length > 0 ? 1 : 0, maxLength: Math.min(5, choices.length) })
    .chain((chosen) => fc.tuple(...chosen))
    .map((chosen) => `{ ${chosen.join(' ')} }`);
}

describe('for random operations', () => {
  const operation = selection(merged.getQueryType() as GraphQLNamedType, 4).map(
    (set) => `query($yes: Boolean!, $no: Boolean!) { k: __typename @include(if: $yes) @skip(if: $no) ...Q } fragment Q on Query ${set}`,
  );

  it('the gateway answers as the merged schema does, in whatever order the services answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        operation,
        fc.record({ yes: fc.boolean(), no: fc.boolean() }),
        fc.infiniteStream(fc.nat()),
        async (document, variables, numbers) => {
          const { response } = await world.run(document, variables, { order: (waiting) => (numbers.next().value ?? 0) % waiting });
          expect(response.errors).toBeUndefined();
          expect(response.data === null ? null : JSON.parse(JSON.stringify(response.data))).toEqual(
            (await askMerged(document, variables)).data,
          );
        },
      ),
      { numRuns: runs(150) },
    );
  }, 60_000);
});
