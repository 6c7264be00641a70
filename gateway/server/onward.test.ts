// What of a caller's request reaches the services, over the whole gateway.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

async function* makeOne(): AsyncGenerator<unknown> {
  yield { made: { id: 1 } };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    services: [
      {
        name: 'one',
        sdl: 'type Query { thing: Thing } type Subscription { made: Thing } type Thing @key(fields: "id") { id: ID! }',
        resolvers: { Query: { thing: () => ({ id: 1 }) }, Subscription: { made: { subscribe: makeOne } } },
      },
      {
        name: 'two',
        sdl: 'type Thing @key(fields: "id") { id: ID!  name: String }',
        resolvers: { Thing: { __resolveReference: (given: object) => given, name: () => 'a thing' } },
      },
    ],
    env: { SLUICE_EXECUTION: 'direct', SLUICE_FORWARD_HEADERS: 'one=authorization;*=x-team' },
  });
});
afterAll(() => gateway.close());
beforeEach(() => Object.values(gateway.services).forEach(({ calls }) => calls.splice(0)));

function seen(name: string): unknown[] {
  return Object.values(gateway.services).flatMap(({ calls }) => calls.map(({ headers }) => headers[name]));
}

describe('the trace of a request', () => {
  it('goes on to every service as it came', async () => {
    const { data } = await gateway.query('{ thing { name } }', undefined, { traceparent: TRACE, tracestate: 'a=1' });
    expect(data).toEqual({ thing: { name: 'a thing' } });
    expect(seen('traceparent')).toEqual([TRACE, TRACE]);
    expect(seen('tracestate')).toEqual(['a=1', 'a=1']);
  });

  it('goes on from an event stream as well', async () => {
    const response = await gateway.post({ query: '{ thing { id } }' }, { accept: 'text/event-stream', traceparent: TRACE });
    await response.text();
    expect(seen('traceparent')).toEqual([TRACE]);
  });

  it.each([{}, { traceparent: 'forged', tracestate: 'a=1' }])(
    'is a new one, the same for all services, when none came: %j',
    async (headers) => {
      await gateway.query('{ thing { name } }', undefined, headers);
      const [first, second] = seen('traceparent');
      expect(first).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/);
      expect(second).toBe(first);
      expect(seen('tracestate')).toEqual([undefined, undefined]);
      await gateway.query('{ thing { id } }');
      expect(new Set(seen('traceparent')).size).toBe(2);
    },
  );
});

describe('headers of a caller', () => {
  it('go on where the settings say so, and nothing else does', async () => {
    await gateway.query('{ thing { name } }', undefined, { 'x-team': 'red', 'x-secret': '1', cookie: 'c=1' });
    expect(gateway.services['one']?.calls.map(({ headers }) => headers['authorization'])).toEqual([
      expect.stringMatching(/^Bearer /) as string,
    ]);
    expect(gateway.services['two']?.calls.map(({ headers }) => headers['authorization'])).toEqual([undefined]);
    expect(seen('x-team')).toEqual(['red', 'red']);
    expect([...seen('x-secret'), ...seen('cookie')].every((value) => value === undefined)).toBe(true);
  });

  it('go on with a subscription: to the stream, and to what each event needs', async () => {
    const response = await gateway.post(
      { query: 'subscription { made { name } }' },
      { accept: 'text/event-stream', 'x-team': 'red', 'x-secret': '1' },
    );
    expect(await response.text()).toContain('a thing');
    expect(gateway.services['one']?.handshakes).toEqual([
      expect.objectContaining({ 'x-team': 'red', authorization: expect.stringMatching(/^Bearer /) as string }),
    ]);
    expect(gateway.services['one']?.handshakes[0]).not.toHaveProperty('x-secret');
    expect(seen('x-team')).toEqual(['red']);
  });

  it('may be sent by pages that may call', async () => {
    const response = await fetch(`${gateway.url}/graphql`, { method: 'OPTIONS', headers: { origin: gateway.url } });
    expect(response.headers.get('access-control-allow-headers')).toContain('x-team');
  });
});
