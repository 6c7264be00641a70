import { composeServices } from '@apollo/composition';
import { parse, print } from 'graphql';
import { describe, expect, it } from 'vitest';
import { separateRequiredInputs } from './required-inputs.js';

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable", "@external", "@requires", "@provides"])\n';

function aSupergraph(requiring: string): string {
  const services = {
    owner:
      'type Query { ts: [T!]! } interface Priced { id: ID!  price(in: String): Int } type T implements Priced @key(fields: "id") { id: ID!  price(in: String): Int @shareable }',
    other: requiring,
  };
  const composed = composeServices(
    Object.entries(services).map(([name, sdl]) => ({ name, url: `http://${name}`, typeDefs: parse(LINK + sdl) })),
  );
  if (composed.supergraphSdl === undefined) throw new Error(String(composed.errors));
  return composed.supergraphSdl;
}

const fieldsOf = (sdl: string, type: string): string[] =>
  print(separateRequiredInputs(parse(sdl)).supergraph)
    .split(`type ${type} `)[1]
    ?.split('{\n')[1]
    ?.split('\n}')[0]
    ?.split('\n')
    .map((line) => line.trim()) ?? [];

describe('an input of @requires with arguments', () => {
  it('is a field of its own, of its owner and of who requires it', () => {
    const sdl = aSupergraph(
      'type T @key(fields: "id") { id: ID!  price(in: String): Int @external  tag: String @requires(fields: "price(in: \\"a\\")") }',
    );
    expect(fieldsOf(sdl, 'T')).toEqual([
      'id: ID!',
      'price(in: String): Int @join__field(graph: OWNER)',
      'tag: String @join__field(graph: OTHER, requires: "_input_0_price")',
      '_input_0_price: Int @join__field(graph: OTHER, external: true) @join__field(graph: OWNER)',
    ]);
  });

  it('leaves the field itself where it is required without arguments as well', () => {
    const sdl = aSupergraph(
      'type T @key(fields: "id") { id: ID!  price(in: String): Int @external  tag: String @requires(fields: "price(in: \\"a\\")")  plain: String @requires(fields: "price") }',
    );
    expect(fieldsOf(sdl, 'T')[1]).toBe('price(in: String): Int @join__field(graph: OTHER, external: true) @join__field(graph: OWNER)');
  });

  it('leaves the field itself where an interface of the service has it', () => {
    const sdl = aSupergraph(
      'interface Priced { price(in: String): Int } type T implements Priced @key(fields: "id") { id: ID!  price(in: String): Int @external  tag: String @requires(fields: "price(in: \\"a\\")") }',
    );
    expect(fieldsOf(sdl, 'T')[1]).toContain('graph: OTHER, external: true');
  });

  it('is the real field again in a fetch, under its own name', () => {
    const { toRealName, toRealOperation } = separateRequiredInputs(
      parse(
        aSupergraph(
          'type T @key(fields: "id") { id: ID!  price(in: String): Int @external  tag: String @requires(fields: "price(in: \\"a  b\\")") }',
        ),
      ),
    );
    expect(toRealName('_input_0_price')).toBe('price');
    expect(toRealName('price')).toBe('price');
    expect(toRealOperation('{ts{price _input_0_price}}').replaceAll(/\s+(?=[^"]*(?:"[^"]*"[^"]*)*$)/g, ' ')).toBe(
      '{ ts { price _input_0_price: price(in: "a  b") } }',
    );
  });

  it('changes nothing in a supergraph that has none', () => {
    const sdl = aSupergraph(
      'type T @key(fields: "id") { id: ID!  price(in: String): Int @external  tag: String @requires(fields: "price") }',
    );
    expect(print(separateRequiredInputs(parse(sdl)).supergraph)).toBe(print(parse(sdl)));
  });
});
