// /operations/{id} where the operations service is part of the graph: its rules are the resource's rules.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
              if (id === 'op_broken') throw new Error('secret: the store is at 10.0.0.1');
              return id === 'op_1' ? anOperation(id) : null;
            },
          },
          Mutation: {
            cancelOperation: (_: unknown, { id }: { id: string }) => {
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

it('does not show why the service failed', async () => {
  const response = await ask('op_broken');
  expect(response.status).toBeGreaterThanOrEqual(200);
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
