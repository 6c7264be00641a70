// /operations/{id} where the operations service is part of the graph: its rules are the resource's rules.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '#schema/contracts/errors';
import { GraphQLError } from 'graphql';
import { statusOnResource } from './operation-resource.js';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const sdl = readFileSync(new URL('../../schema/subgraphs/operations.graphql', import.meta.url), 'utf8');

let gateway: TestGateway;
let isDone = false;
const cancelled: string[] = [];
beforeAll(async () => {
  const anOperation = (id: string): Record<string, unknown> => ({
    id,
    kind: 'ORCHESTRATION',
    title: 'Both',
    status: isDone ? 'COMPLETED' : 'WORKING',
    done: isDone,
    progress: { completed: 1, total: 2, unit: 'steps' },
    steps: [],
    result: isDone ? { data: { a: 1 } } : null,
    errors: [],
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:01Z',
    cancellable: !isDone,
  });
  gateway = await startTestGateway({
    services: [
      {
        name: 'operations',
        // The test's services bring their own @link.
        sdl: sdl.slice(sdl.indexOf('directive @idempotent')),
        resolvers: {
          Query: {
            operation: (_: unknown, { id }: { id: string }) => {
              const code = /^op_code_(\w+)$/.exec(id)?.[1];
              if (code !== undefined) throw new GraphQLError('as it is', { extensions: { code, retryAfterMs: 2_500 } });
              if (id === 'op_broken') throw new Error('secret: the store is at 10.0.0.1');
              return id === 'op_1' ? anOperation(id) : null;
            },
          },
          Mutation: {
            cancelOperation: (_: unknown, { id }: { id: string }) => {
              const code = /^op_code_(\w+)$/.exec(id)?.[1];
              if (code !== undefined) throw new GraphQLError('as it is', { extensions: { code } });
              if (id !== 'op_1') return { operation: null, userErrors: [{ code: 'NOT_FOUND', message: 'none', retryable: false }] };
              if (isDone)
                return {
                  operation: null,
                  userErrors: [{ code: 'CONFLICT', message: 'the operation is completed already', retryable: false }],
                };
              cancelled.push(id);
              return { operation: anOperation(id), userErrors: [] };
            },
          },
        },
      },
    ],
  });
});
afterAll(() => gateway.close());

const ask = async (id: string, method = 'GET'): Promise<Response> =>
  fetch(`${gateway.url}/operations/${id}`, { method, headers: { authorization: `Bearer ${await gateway.token()}` } });

it('is what operation(id:) answers, with a hint when to ask again while it runs', async () => {
  const running = await ask('op_1');
  expect([running.status, running.headers.get('retry-after'), running.headers.get('cache-control')]).toEqual([200, '1', 'no-store']);
  expect(await running.json()).toMatchObject({ id: 'op_1', status: 'WORKING', progress: { completed: 1, total: 2 } });
  isDone = true;
  const done = await ask('op_1');
  isDone = false;
  expect(done.headers.get('retry-after')).toBeNull();
  expect(await done.json()).toMatchObject({ done: true, result: { data: { a: 1 } } });
});

it('is 404 for what the service does not show to this caller', async () => {
  expect((await ask('op_other')).status).toBe(404);
  expect((await ask('op_other', 'DELETE')).status).toBe(404);
  expect((await ask('op_%E0%A4%A')).status).toBe(400);
});

it('is cancelled by DELETE, and cannot be once it has ended', async () => {
  const response = await ask('op_1', 'DELETE');
  expect([response.status, response.headers.get('location')]).toEqual([202, '/operations/op_1']);
  expect(cancelled).toEqual(['op_1']);
  isDone = true;
  expect((await ask('op_1', 'DELETE')).status).toBe(409);
  isDone = false;
});

it('answers each code of the registry with a status that says whose fault it is, and when to ask again', () => {
  const table = Object.fromEntries((Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => [code, statusOnResource(code)]));
  expect(Object.entries(table).filter(([, status]) => status < 400)).toEqual([]);
  for (const [code, { http, retryable }] of Object.entries(ERROR_CODES) as [ErrorCode, { http: number; retryable: boolean }][]) {
    // A code with a status of its own keeps it; what may succeed later is never told as a lasting fault.
    if (http !== 200) expect([code, table[code]]).toEqual([code, http]);
    else if (retryable) expect([code, table[code]]).toEqual([code, 503]);
  }
  expect(table).toMatchObject({
    UNAUTHENTICATED: 401,
    FORBIDDEN: 403,
    NOT_FOUND: 404,
    CONFLICT: 409,
    BAD_USER_INPUT: 400,
    TEMPORAL_UNAVAILABLE: 503,
    DATABASE_UNAVAILABLE: 503,
    SUBGRAPH_UNREACHABLE: 503,
    SUBGRAPH_BAD_ANSWER: 502,
    INTERNAL_SERVER_ERROR: 500,
  });
});

it.each(['GET', 'DELETE'])("tells the cause's own code in the body, and its status: %s", async (method) => {
  for (const code of ['FORBIDDEN', 'TEMPORAL_UNAVAILABLE', 'TEMPORAL_BUSY', 'CONFLICT'] as const) {
    const response = await ask(`op_code_${code}`, method);
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect([response.status, errors[0]?.extensions.code]).toEqual([ERROR_CODES[code].http, code]);
    expect(response.headers.has('retry-after'), code).toBe(response.status === 503);
  }
  expect((await ask('op_code_NOT_FOUND', method)).status).toBe(404);
});

it('does not show why the service failed', async () => {
  const response = await ask('op_broken');
  expect(response.status).toBe(502);
  expect(await response.text()).not.toMatch(/secret|10\.0\.0\.1/);
});

it('hides a defect of the gateway behind a reference that its log knows', async () => {
  const broken = await startTestGateway({
    services: [{ name: 'one', sdl: 'type Query { a: Int }' }],
    deps: {
      fetcher: {
        fetch: () => Promise.reject(new Error('no row in postgres://app:hunter2@db/shop')),
        noteChange: () => undefined,
        close: () => Promise.resolve(),
      },
    },
  });
  const response = await broken.post({ query: '{ a }' });
  const { errors } = (await response.json()) as { errors: { message: string; extensions: { code: string; reference: string } }[] };
  await broken.close();
  expect(response.status).toBe(500);
  expect(errors[0]).toMatchObject({ message: 'Internal error', extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  expect(JSON.stringify(errors)).not.toMatch(/row|hunter2/);
  const logged = broken.log.find((line) => line.includes(errors[0]?.extensions.reference ?? 'none'));
  expect(logged).toContain('"text":"no row in postgres://[redacted]@db/shop"');
});
