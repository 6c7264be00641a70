import { buildASTSchema, getOperationAST, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readCostRules } from '../supergraph/cost-rules.js';
import { costOf } from './operation-cost.js';

const SDL = parse(`
  schema @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@listSize", { name: "@cost", as: "@weighs" }]) { query: Query mutation: Mutation }
  type Query {
    book: Book  books: [Book!]!  any: Any  dear: Int @weighs(weight: 50)
    some(first: Int, last: Int): [Book!] @listSize(slicingArguments: ["first", "last"], assumedSize: 7)
    page(first: Int! = 20): Page @listSize(slicingArguments: ["first"], sizedFields: ["nodes", "edges"], requireOneSlicingArgument: false)
    fixed: [Book] @listSize(assumedSize: 3)  by(input: In): [Book] @listSize(slicingArguments: ["input.first"], requireOneSlicingArgument: false)
    search(text: String @weighs(weight: 4), input: In): Book
  }
  type Mutation { add: Book  many(inputs: [In!]): Int }
  input In { first: Int  text: String @weighs(weight: 6) }
  type Book { id: ID!  author: Author  tags: [String!]  pages: [Page] }
  type Author @weighs(weight: 5) { name: String  mood: Mood }
  enum Mood @weighs(weight: 2) { GOOD }
  type Page { nodes: [Book!]  edges: [Edge!]  total: Int }
  type Edge { node: Book }
  union Any = Book | Author`);
const schema = buildASTSchema(SDL, { assumeValidSDL: true });
const rules = readCostRules(SDL);

function cost(text: string, variables: Record<string, unknown> = {}): number {
  const document = parse(text);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error('one operation is expected');
  return costOf({ schema, document, operation, variables: variables as never }, rules);
}

describe('the cost of an operation', () => {
  it.each([
    ['an object weighs 1, a leaf nothing', '{ book { id tags } }', 1],
    ['types and enums weigh what they say', '{ book { author { name mood } } }', 1 + 5 + 2],
    ['a field weighs what it says', '{ dear }', 50],
    ['a list of unknown size counts as ten', '{ books { author { name } } }', 10 * (1 + 5)],
    ['lists in lists multiply', '{ books { pages { total } } }', 10 * (1 + 10)],
    ['a literal gives the size', '{ some(first: 4) { id } }', 4],
    ['an assumed size stands alone', '{ fixed { id } }', 3],
    ['a default of the schema gives the size', '{ page { nodes { id } } }', 1 + 20],
    ['each sized field has the size', '{ page(first: 2) { total nodes { id } edges { node { id } } } }', 1 + 2 + 2 * 2],
    ['a path leads into an input object', '{ by(input: { first: 8 }) { id } }', 8],
    ['without the path a list is of unknown size', '{ by { id } }', 10],
    ['arguments weigh what they say', '{ search(text: "a") { id } }', 4 + 1],
    ['fields of inputs weigh what they say', '{ search(input: { text: "a" }) { id } }', 6 + 1],
    ['each of several inputs', 'mutation { many(inputs: [{ text: "a" }, { text: "b" }]) }', 10 + 12],
    ['a mutation weighs ten more', 'mutation { add { id } }', 10 + 1],
    ['aliases count each', '{ a: book { id } b: book { id } }', 2],
    ['fragments count where they are used', '{ ...F ...F } fragment F on Query { book { id } }', 2],
    ['all types of one place are counted', '{ any { ... on Book { id } ... on Author { mood } } }', 1 + 2],
    ['what literals exclude costs nothing', '{ books @include(if: false) { id } book { id } }', 1],
    ['a negative size is nothing', '{ page(first: -5) { nodes { id } } }', 1],
    ['introspection costs nothing', '{ __schema { types { name } } book { __typename } }', 1],
  ])('%s', (_, text, expected) => {
    expect(cost(text)).toBe(expected);
  });

  it('takes sizes and conditions from variables', () => {
    const text =
      'query ($n: Int, $input: In, $also: Boolean!) { page(first: $n) { nodes { id } } by(input: $input) @include(if: $also) { id } }';
    expect(cost(text, { n: 500, also: false })).toBe(501);
    expect(cost(text, { n: 2_000_000_000, input: { first: 100 }, also: true })).toBe(2_000_000_001 + 100);
  });

  it.each(['{ some { id } }', '{ some(first: 1, last: 1) { id } }'])('wants exactly one slicing argument: %s', (text) => {
    expect(() => cost(text)).toThrow(/exactly one of the arguments first, last, got [02]/);
  });

  it('is not known where nothing is declared', () => {
    expect(readCostRules(parse('type Query { a: Int }')).isDeclared).toBe(false);
    expect(rules.isDeclared).toBe(true);
  });
});
