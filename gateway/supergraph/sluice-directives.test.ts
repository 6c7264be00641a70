import { parse } from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import { createComposer } from './composer.js';
import { DIRECTIVES_URL, withSluiceDirectives } from './sluice-directives.js';

const composer = createComposer();
afterAll(() => composer.close());

const NAMES = ['@idempotent', '@durable', '@compensate', '@timeout', '@retry'];
const FEDERATION = '@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@composeDirective"])';
const FIELDS = `
  type Query { a: Int @timeout(ms: 10) }
  type Mutation {
    make(name: String!): ID! @idempotent @durable(mode: ALWAYS) @compensate(with: "drop", arguments: ["id: result"]) @retry(attempts: 2)
    drop(id: ID!): ID @idempotent
  }`;
const importing = (names: readonly string[], federation = FEDERATION) =>
  `extend schema ${federation} @link(url: "${DIRECTIVES_URL}", import: ${JSON.stringify(names)}) ${FIELDS}`;
const compose = (sdl: string) => composer.compose([{ name: 'orders', sdl, url: 'http://orders' }]);

describe('the link to our directives', () => {
  it.each([
    ['as they stand', FEDERATION],
    ['without an import of @composeDirective', FEDERATION.replace(', "@composeDirective"', '')],
    ['with @composeDirective under another name', FEDERATION.replace('"@composeDirective"', '{ name: "@composeDirective", as: "@pass" }')],
  ])('brings their definitions and takes them into the supergraph, %s', async (_, federation) => {
    const { supergraphSdl } = await compose(importing(NAMES, federation));
    expect(supergraphSdl).toMatch(
      /make\(name: String!\): ID! @idempotent @durable\(mode: ALWAYS\) @compensate\(.*\) @retry\(attempts: 2\)/,
    );
    expect(supergraphSdl).toMatch(/a: Int @timeout\(ms: 10\)/);
    expect(supergraphSdl).toContain('enum DurableMode');
  });

  it('leaves what the service defines and composes itself', async () => {
    const { sdl } = withSluiceDirectives(
      'orders',
      parse(`extend schema ${FEDERATION} @link(url: "${DIRECTIVES_URL}", import: ["@idempotent", "@durable"]) @composeDirective(name: "@idempotent")
        directive @idempotent on FIELD_DEFINITION  enum DurableMode { AUTO ALWAYS NEVER }`),
    );
    // `@durable` and its @composeDirective are all that was missing.
    expect(sdl.definitions).toHaveLength(5);
  });

  it('changes nothing without the link', () => {
    const sdl = parse(`extend schema ${FEDERATION} ${FIELDS}`);
    expect(withSluiceDirectives('orders', sdl)).toEqual({ sdl, problems: [] });
  });

  it.each([
    ['"@idempotnt"', 'DIRECTIVE_UNKNOWN', /no @idempotnt: expected @idempotent/],
    ['{ name: "@idempotent", as: "@once" }', 'DIRECTIVE_RENAMED', /@idempotent is imported as @once/],
  ])('refuses the import of %s, which would silently mean nothing', async (name, code, message) => {
    const sdl = `extend schema ${FEDERATION} @link(url: "${DIRECTIVES_URL}", import: [${name}]) type Query { a: Int }`;
    await expect(compose(sdl)).rejects.toMatchObject({
      problems: [{ code, service: 'orders', message: expect.stringMatching(message) as string }],
    });
  });
});
