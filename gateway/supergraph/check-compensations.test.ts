import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkCompensations } from './check-compensations.js';

function check(compensate: string, more = ''): (string | undefined)[][] {
  const sdl = `
    type Mutation {
      store(input: StoreInput!, label: String, parts: [ID!]!): Stored ${compensate}
      drop(id: ID!): Boolean
      dropAll(ids: [ID!]!, label: String): Boolean
      dropBytes(bytes: Int!): Boolean
    }
    input StoreInput { id: ID!  size: Int! = 1  name: String  note: String! = "" }
    type Stored { id: ID!  file: File  files: [File!]!  sized(unit: String!): Int! }
    type File { id: ID! }
    ${more}`;
  return checkCompensations('shop', parse(sdl)).map(({ code, coordinate, service }) => [code, coordinate, service ?? undefined]);
}

const at = (code: string) => [[code, 'Mutation.store', 'shop']];

describe('@compensate', () => {
  it.each([
    '@compensate(with: "drop", arguments: ["id: result.id"])',
    '@compensate(with: "drop", arguments: "id: args.input.id")',
    '@compensate(with: "drop", arguments: ["id: args.input.note"])',
    '@compensate(with: "dropAll", arguments: ["ids: args.parts", "label: args.label"])',
    '@compensate(with: "dropBytes", arguments: ["bytes: args.input.size"])',
    '',
  ])('accepts %s', (compensate) => expect(check(compensate)).toEqual([]));

  it.each([
    ['COMPENSATE_UNDO_UNKNOWN', '@compensate(with: "gone", arguments: [])'],
    ['COMPENSATE_MALFORMED', '@compensate(with: "dropAll", arguments: ["ids: args.parts", "label = args.label"])'],
    ['COMPENSATE_MALFORMED', '@compensate(with: "dropAll", arguments: ["ids: args.parts", "label: args"])'],
    ['COMPENSATE_ARGUMENT_MISSING', '@compensate(with: "drop", arguments: [])'],
    ['COMPENSATE_ARGUMENT_UNKNOWN', '@compensate(with: "drop", arguments: ["id: result.id", "force: args.label"])'],
    ['COMPENSATE_PATH_UNKNOWN', '@compensate(with: "drop", arguments: ["id: result.uid"])'],
    ['COMPENSATE_PATH_UNKNOWN', '@compensate(with: "drop", arguments: ["id: args.input.uid"])'],
    ['COMPENSATE_PATH_UNKNOWN', '@compensate(with: "drop", arguments: ["id: result.file"])'],
    ['COMPENSATE_PATH_UNKNOWN', '@compensate(with: "drop", arguments: ["id: result.files.id"])'],
    ['COMPENSATE_PATH_UNKNOWN', '@compensate(with: "dropBytes", arguments: ["bytes: result.sized"])'],
    // Null on the way, or at its end, where the undo takes none.
    ['COMPENSATE_TYPE_MISMATCH', '@compensate(with: "drop", arguments: ["id: result.file.id"])'],
    ['COMPENSATE_TYPE_MISMATCH', '@compensate(with: "drop", arguments: ["id: args.input.name"])'],
    ['COMPENSATE_TYPE_MISMATCH', '@compensate(with: "drop", arguments: ["id: args.input.size"])'],
    ['COMPENSATE_TYPE_MISMATCH', '@compensate(with: "drop", arguments: ["id: args.parts"])'],
    ['COMPENSATE_TYPE_MISMATCH', '@compensate(with: "dropBytes", arguments: ["bytes: args.input.id"])'],
  ])('%s: %s', (code, compensate) => expect(check(compensate)).toEqual(at(code)));

  it('is found on extensions and under another name of the root type', () => {
    expect(check('', 'extend type Mutation { more: ID! @compensate(with: "nothing") }')).toEqual([
      ['COMPENSATE_UNDO_UNKNOWN', 'Mutation.more', 'shop'],
    ]);
    const renamed = parse(
      'schema { mutation: Changes } type Changes { a: ID! @compensate(with: "b", arguments: ["id: result"]) b(id: ID!): ID }',
    );
    expect(checkCompensations('shop', renamed)).toEqual([]);
  });
});
