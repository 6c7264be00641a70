// What a user's own service calls its errors is data: under the name of any code of ours it does what an unknown name does.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '#schema/contracts/errors';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const UNKNOWN = 'CARD_DECLINED';
let body: object;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    services: [
      {
        name: 'shop',
        sdl: 'type Query { price: Int  stock: Int } type Mutation { buy: Int }',
        handler(request, response) {
          request.resume();
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        },
      },
    ],
    env: { SLUICE_EXECUTION: 'direct', LOG_LEVEL: 'silent' },
  });
});
afterAll(() => gateway.close());

/** What the caller gets, the shown code and the reference apart. */
async function outcome(query: string, code: string) {
  const response = await gateway.post({ query }, { accept: 'application/graphql-response+json' });
  const { data, errors } = (await response.json()) as { data: unknown; errors: { extensions: Record<string, unknown> }[] };
  const [{ extensions }] = errors as [(typeof errors)[0]];
  expect(extensions['code']).toBe(code);
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    data,
    extensions: { ...extensions, code: '', reference: '' },
  };
}

describe.each<[string, string, object]>([
  ['a query that has some of its data', '{ price stock }', { price: 3, stock: null }],
  ['a query without data', '{ price stock }', { price: null, stock: null }],
  ['a mutation', 'mutation { buy }', { buy: null }],
])('%s', (name, query, data) => {
  const fail = (code: string, retryable?: boolean): void => {
    const error = { message: 'no', path: [Object.keys(data).at(-1)], extensions: { code, retryable, retryAfterMs: 1, service: 'files' } };
    body = { data: name === 'a query without data' ? null : data, errors: [error] };
  };

  it.each(Object.keys(ERROR_CODES))('is answered alike when its service calls an error %s', async (code) => {
    fail(UNKNOWN);
    const expected = await outcome(query, UNKNOWN);
    expect(expected).toMatchObject({ status: 200, data, extensions: { service: 'shop', origin: 'service' } });
    expect(expected.extensions).not.toHaveProperty('retryable');
    fail(code, true);
    expect(await outcome(query, code)).toEqual(expected);
  });
});
