import { composeServices } from '@apollo/composition';
import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { printApiSchema } from './api-schema.js';

const SDL = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@inaccessible", "@requiresScopes"])
  scalar Day @specifiedBy(url: "https://example.com/day")
  type Query {
    "What is open."
    rooms(first: Int = 10, on: Day): [Room!]!
    secret: String @requiresScopes(scopes: [["a"]])
    hidden: String @inaccessible
  }
  type Room { id: ID! old: String @deprecated(reason: "use id") }`;

describe('the API schema as text', () => {
  const { supergraphSdl } = composeServices([{ name: 'rooms', url: 'http://localhost/', typeDefs: parse(SDL) }]);
  const schema = buildSchema(printApiSchema(supergraphSdl as string));
  const fields = schema.getQueryType()?.getFields() ?? {};

  it('holds what callers may see, with defaults, descriptions and what is deprecated', () => {
    expect(Object.keys(fields)).toEqual(['rooms', 'secret']);
    expect(fields['rooms']?.description).toBe('What is open.');
    expect(fields['rooms']?.args.map(({ name, defaultValue }) => [name, defaultValue])).toEqual([
      ['first', 10],
      ['on', undefined],
    ]);
    expect(schema.getType('Room')?.toConfig()).toMatchObject({ fields: { old: { deprecationReason: 'use id' } } });
    expect(schema.getType('Day')?.toConfig()).toMatchObject({ specifiedByURL: 'https://example.com/day' });
    expect(Object.keys(schema.getTypeMap()).filter((name) => /^(join|link)__/.test(name))).toEqual([]);
  });

  it('declares the directives that the gateway itself answers', () => {
    expect(schema.getDirective('saga')?.locations).toEqual(['MUTATION']);
  });

  it('is refused for what is no supergraph', () => {
    expect(() => printApiSchema('type Query { a: Int }')).toThrow();
  });
});
