// What a user's own service calls its errors decides nothing about a run: neither retries, nor recoveries, nor how it ended.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '#schema/contracts/errors';
import type { OrchestrationResponse } from '#schema/contracts/workflows';
import { parseAnswer } from '#gateway/fetching/parse-answer';
import { toServiceFacts } from '#gateway/fetching/service-error';
import { createLogger } from '#platform/logger';
import { createShop } from '#tests/federation/support/shop';
import { classify } from '../workflows/shared/classify-failure.js';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const fetch = { node: 0, chunk: 0, service: 'orders', operationKind: 'mutation', idempotent: false } as const;
/** Nothing here knows the first one; each of the others would decide something if it were ours. */
const CODES = ['CARD_DECLINED', ...Object.keys(ERROR_CODES).filter((code) => classify([{ ...fetch, code }], true) !== null)];

const facts = toServiceFacts('orders', { signed: false }, createLogger({ name: 'test', level: 'silent' }));
const shop = createShop();
let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld(shop)));
afterAll(() => durable.close());
beforeEach(() => {
  durable.calls.length = 0;
  durable.attention.length = 0;
});

/** The mutation that says `code` in its own variable is answered with it, as a service says it. */
function answerWithItsCode(field: string): void {
  durable.intercept = ({ node, chunk, operation, variables }) => {
    const code = Object.values(variables).find((value) => CODES.includes(value as string));
    if (code === undefined || !operation.includes(field)) return undefined;
    const error = { message: 'm', path: [field], extensions: { code, retryable: true, retryAfterMs: 1 } };
    const parsed = parseAnswer(JSON.stringify({ data: null, errors: [error] }), facts);
    return Promise.resolve({ node, chunk, ...(parsed as NonNullable<typeof parsed>) });
  };
}

const MUTATION = 'mutation ($sku: ID!) { place(sku: $sku) { note } }';
const SAGA = 'mutation ($sku: ID!) @saga { reserve(input: { sku: "s1" }) { name } place(sku: $sku) { note } }';

describe.each([
  ['a background mutation', MUTATION, 'startAsync', ['place']],
  ['a mutation that is waited for', MUTATION, 'startRequest', ['place']],
  ['a step of a saga', SAGA, 'startRequest', ['reserve', 'place', 'release']],
] as const)('%s', (_, document, start, sent) => {
  it('is sent once, and ends alike, whatever its service calls the error', async () => {
    answerWithItsCode('place');
    const ends = await Promise.all(
      CODES.map(async (code) => {
        const started = await durable[start](document, { variables: { sku: code } });
        const { response } = (await started.result()) as OrchestrationResponse;
        expect(response.errors?.[0]?.extensions).toMatchObject({ code, origin: 'service' });
        const snapshot = await durable.durable.describe(started.operationId);
        const events = await durable.durable.readEvents(started.operationId);
        // The operation says what the answer says.
        const told = events.flatMap((event) => ('failure' in event && event.__typename === 'StepFailed' ? [event.failure] : []));
        expect(told.length).toBeGreaterThan(0);
        const failure = snapshot?.failure ?? null;
        for (const one of [...told, ...(failure === null ? [] : [failure])])
          expect(one).toEqual({ code, message: expect.stringContaining(response.errors?.[0]?.message ?? '') as string, retryable: false });
        return { status: snapshot?.status, hasFailure: failure !== null, events: events.map(({ __typename }) => __typename) };
      }),
    );
    expect(CODES.length).toBeGreaterThan(20);
    for (const end of ends) expect(end).toEqual(ends[0]);
    expect(durable.attention).toEqual([]);
    expect(durable.calls.map(({ operation }) => /\{\s*(\w+)/.exec(operation)?.[1]).sort()).toEqual(CODES.flatMap(() => sent).sort());
  });
});

it('an undo that its service refuses says why in the words of the service', async () => {
  durable.intercept = ({ node, chunk, operation }) => {
    const field = ['cancel', 'ship'].find((name) => operation.includes(`${name}(`));
    if (field === undefined) return undefined;
    const error = { message: 'm', path: [field], extensions: { code: 'FORBIDDEN' } };
    const signed = toServiceFacts('orders', { signed: true }, createLogger({ name: 'test', level: 'silent' }));
    const parsed = parseAnswer(JSON.stringify({ data: null, errors: [error] }), signed);
    return Promise.resolve({ node, chunk, ...(parsed as NonNullable<typeof parsed>) });
  };
  const started = await durable.startRequest('mutation @saga { place(sku: "s1") { note } ship(sku: "s1") }');
  await started.result();
  const events = await durable.durable.readEvents(started.operationId);
  expect(events.filter(({ __typename }) => __typename === 'CompensationFailed')).toMatchObject([
    { failure: { code: 'FORBIDDEN', message: 'm' } },
  ]);
});
