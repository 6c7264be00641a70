import { PassThrough } from 'node:stream';
import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#platform/logger';
import { createSubgraph } from './create-subgraph.js';
import { serveForTest, type ServiceCaller } from './tests/service-caller.js';

let thrown: Error;
let service: ServiceCaller;
const destination = new PassThrough();
beforeAll(async () => {
  service = await serveForTest((keys) =>
    Promise.resolve(
      createSubgraph({
        name: 'shop',
        typeDefs: parse('type Query { price: Int }'),
        resolvers: {
          Query: {
            price: () => {
              throw thrown;
            },
          },
        },
        createContext: (call) => call,
        keys,
        log: createLogger({ name: 'test', destination }),
      }),
    ),
  );
});
afterAll(() => service.close());

describe('a resolver whose database is away', () => {
  const coded = (code: string): Error => Object.assign(new Error('terminating connection due to administrator command'), { code });

  it.each([
    coded('57P01'),
    coded('08006'),
    coded('ECONNREFUSED'),
    new Error('Connection terminated unexpectedly'),
    new Error('Failed query: select 1', { cause: coded('57P03') }),
  ])('says so, so that the call may come again: %s', async (error) => {
    thrown = error;
    expect((await service.ask('alice', '{ price }')).errors).toMatchObject([{ extensions: { code: 'DATABASE_UNAVAILABLE' } }]);
  });

  it.each([coded('23505'), new Error('bug')])('is not meant by other errors: %s', async (error) => {
    thrown = error;
    expect((await service.ask('alice', '{ price }')).errors).toMatchObject([
      { message: 'Internal error', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
  });
});

it('a text of a resolver is in the log, without its secrets, under the reference that the caller gets', async () => {
  destination.read();
  thrown = new Error('no row in postgres://app:hunter2@db/shop\nparams: alice');
  const [error] = (await service.ask('alice', '{ price }')).errors ?? [];
  const line = JSON.parse((destination.read() as Buffer).toString('utf8')) as object;
  expect(line).toMatchObject({
    reference: (error?.extensions as { reference?: string } | undefined)?.reference,
    text: 'no row in postgres://[redacted]@db/shop',
  });
  expect((error?.extensions as { reference?: string } | undefined)?.reference).toEqual(expect.any(String));
});
