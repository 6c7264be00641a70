import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

interface Comment {
  id: string;
  by: string;
}
const comments: Comment[] = ['a', 'b', 'c', 'd'].map((by, index) => ({ id: `c${index}`, by }));

/** `feed` needs three comments of a post, whatever number the caller asks for. */
const world = createWorld([
  {
    name: 'posts',
    sdl: `
      type Query { posts: [Post!]! }
      type Post @key(fields: "id") { id: ID!  comments(limit: Int!): [Comment]!  title(upper: Boolean = false): String! }
      type Comment @key(fields: "id") { id: ID!  by: String! }`,
    resolvers: {
      Query: { posts: () => [{ id: 'p1' }] },
      Post: {
        __resolveReference: (reference: object) => reference,
        comments: (_: unknown, { limit }: { limit: number }) => comments.slice(0, limit),
        title: (_: unknown, { upper }: { upper: boolean }) => (upper ? 'ON WIND' : 'On wind'),
      },
    },
  },
  {
    name: 'feed',
    sdl: `
      type Post @key(fields: "id") {
        id: ID!
        comments(limit: Int!): [Comment]! @external
        title(upper: Boolean = false): String! @external
        voices: [String!]! @requires(fields: "comments(limit: 3) { by }")
        banner: String! @requires(fields: "title(upper: true)")
      }
      type Comment @key(fields: "id") { id: ID!  by: String! @external }`,
    resolvers: {
      Post: {
        __resolveReference: (reference: object) => reference,
        voices: (post: { comments: Comment[] }) => post.comments.map(({ by }) => by),
        banner: ({ title }: { title: string }) => `*${title}*`,
      },
    },
  },
]);

async function ask(document: string, variables = {}): Promise<unknown> {
  const { response } = await world.run(document, variables);
  expect(response.errors).toBeUndefined();
  return JSON.parse(JSON.stringify(response.data));
}

describe('a field that requires another with arguments', () => {
  it('gets it with its own arguments', async () => {
    expect(await ask('{ posts { voices banner } }')).toEqual({ posts: [{ voices: ['a', 'b', 'c'], banner: '*ON WIND*' }] });
  });

  it.each(['{ posts { voices comments(limit: 1) { by } } }', '{ posts { comments(limit: 1) { by } voices } }'])(
    'gets it so when the caller asks for it otherwise: %s',
    async (document) => {
      expect(await ask(document)).toEqual({ posts: [{ voices: ['a', 'b', 'c'], comments: [{ by: 'a' }] }] });
    },
  );

  it('gets it so when the caller takes the default or a variable', async () => {
    expect(await ask('query($n: Int!) { posts { title banner comments(limit: $n) { id } voices } }', { n: 2 })).toEqual({
      posts: [{ title: 'On wind', banner: '*ON WIND*', comments: [{ id: 'c0' }, { id: 'c1' }], voices: ['a', 'b', 'c'] }],
    });
  });

  it('leaves the caller aliases of his own', async () => {
    expect(await ask('{ posts { comments: title one: comments(limit: 1) { by: id } voices } }')).toEqual({
      posts: [{ comments: 'On wind', one: [{ by: 'c0' }], voices: ['a', 'b', 'c'] }],
    });
  });
});
