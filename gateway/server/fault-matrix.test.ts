// A service that fails in any way costs its own fields only. `npm run faults` measures the same: time, memory, the other services.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULTS, FAULTY_SERVICES } from './tests/faulty-service.js';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

let behave = FAULTS[0]?.behave;
let gateway: TestGateway;
beforeAll(async () => {
  const things = [{ id: '1' }, { id: '2' }];
  gateway = await startTestGateway({
    services: [
      {
        name: 'good',
        sdl: FAULTY_SERVICES.good,
        resolvers: { Query: { ping: () => 'pong', things: () => things }, Thing: { __resolveReference: (given: object) => given } },
      },
      { name: 'faulty', sdl: FAULTY_SERVICES.faulty, handler: (request, response) => behave?.(request, response) },
    ],
    env: { SLUICE_EXECUTION: 'direct', SUBGRAPH_TIMEOUT_MS: '300', SUBGRAPH_COMPRESSION: 'on', LOG_LEVEL: 'silent' },
  });
});
afterAll(() => gateway.close());

describe.each(FAULTS)('a service that $name', (fault) => {
  beforeAll(() => void (behave = fault.behave));

  it('costs the fields that it would have added', async () => {
    const { data, errors } = await gateway.query('{ ping things { id size } }');
    expect(data).toEqual({
      ping: 'pong',
      things: [
        { id: '1', size: null },
        { id: '2', size: null },
      ],
    });
    expect(errors).toMatchObject([{ path: ['things'], extensions: { code: fault.code, service: 'faulty' } }]);
  });

  it('costs its root field', async () => {
    const { data, errors } = await gateway.query('{ ping total }');
    expect(data).toEqual({ ping: 'pong', total: null });
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual([fault.rootCode ?? fault.code]);
    expect(JSON.stringify(errors)).not.toMatch(/127\.0\.0\.1|srv|hello|slow down/);
  });
});
