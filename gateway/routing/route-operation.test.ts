import { describe, expect, it } from 'vitest';
import type { PlannedRootField } from '#schema/contracts/plan';
import { type RouteInput, routeOperation } from './route-operation.js';

const field = (change: Partial<PlannedRootField> = {}): PlannedRootField => ({
  name: 'f',
  responseKey: 'f',
  durable: 'AUTO',
  idempotent: false,
  ...change,
});
const query = (...services: string[]): RouteInput['plan'] => ({ kind: 'query', services, rootFields: [field()] });
const mutation = (fields: PlannedRootField[], ...services: string[]): RouteInput['plan'] => ({
  kind: 'mutation',
  services,
  rootFields: fields,
});

const CASES: [string, Partial<RouteInput> & Pick<RouteInput, 'plan'>, string][] = [
  ['introspection', { plan: query() }, 'direct no-service'],
  ['introspection, forced durable', { plan: query(), execution: 'durable' }, 'direct no-service'],
  [
    'a subscription over several services',
    { plan: { kind: 'subscription', services: ['a', 'b'], rootFields: [field()] } },
    'direct subscription',
  ],
  ['a query of one service', { plan: query('a') }, 'direct one-service'],
  ['a query of several services', { plan: query('a', 'b') }, 'multi_service_orchestration_workflow several-services'],
  ['a query in parts', { plan: query('a', 'b'), inParts: true }, 'direct deferred'],
  [
    'a query in parts, forced durable',
    { plan: query('a', 'b'), inParts: true, execution: 'durable' },
    'multi_service_orchestration_workflow forced-durable',
  ],
  [
    'a query in parts of a field that is always durable',
    { plan: { ...query('a', 'b'), rootFields: [field({ durable: 'ALWAYS' })] }, inParts: true },
    'multi_service_orchestration_workflow directive-always',
  ],
  ['a mutation in parts', { plan: mutation([field()], 'a', 'b'), inParts: true }, 'multi_service_orchestration_workflow several-services'],
  ['a mutation of one service', { plan: mutation([field()], 'a') }, 'direct one-service'],
  ['a mutation of several services', { plan: mutation([field()], 'a', 'b') }, 'multi_service_orchestration_workflow several-services'],
  ['a query of one service that is tried again', { plan: { ...query('a'), retries: true } }, 'api_request_workflow directive-retry'],
  [
    'a mutation with a key that is tried again',
    { plan: { ...mutation([field({ idempotent: true })], 'a'), retries: true }, hasIdempotencyKey: true },
    'api_request_workflow directive-retry',
  ],
  [
    '@retry and @durable(mode: NEVER)',
    { plan: { ...query('a'), rootFields: [field({ durable: 'NEVER' })], retries: true } },
    'direct directive-never',
  ],
  ['@retry without Temporal', { plan: { ...query('a'), retries: true }, isTemporalAvailable: false }, 'direct temporal-unavailable'],
  ['two mutation fields of one service', { plan: mutation([field(), field()], 'a') }, 'api_request_workflow several-mutation-fields'],
  [
    'a saga, forced direct',
    { plan: { ...mutation([field()], 'a'), saga: { steps: [] } }, execution: 'direct' },
    'api_request_workflow saga',
  ],
  [
    'a saga without Temporal',
    { plan: { ...mutation([field({ durable: 'NEVER' })], 'a', 'b'), saga: { steps: [] } }, isTemporalAvailable: false },
    'refused temporal-unavailable',
  ],
  ['@durable(mode: ALWAYS)', { plan: mutation([field({ durable: 'ALWAYS' })], 'a') }, 'api_request_workflow directive-always'],
  [
    '@durable(mode: NEVER) over several services',
    { plan: { ...query('a', 'b'), rootFields: [field({ durable: 'NEVER' })] } },
    'direct directive-never',
  ],
  [
    'NEVER on one of two fields',
    { plan: { ...query('a', 'b'), rootFields: [field({ durable: 'NEVER' }), field()] } },
    'multi_service_orchestration_workflow several-services',
  ],
  [
    'a key on an @idempotent field',
    { plan: mutation([field({ idempotent: true })], 'a'), hasIdempotencyKey: true },
    'direct idempotency-key-at-service',
  ],
  ['a key on another field', { plan: mutation([field()], 'a'), hasIdempotencyKey: true }, 'api_request_workflow idempotency-key'],
  ['a key on a query', { plan: query('a'), hasIdempotencyKey: true }, 'direct one-service'],
  ['forced direct', { plan: query('a', 'b'), execution: 'direct' }, 'direct forced-direct'],
  ['forced durable', { plan: query('a'), execution: 'durable' }, 'api_request_workflow forced-durable'],
  ['forced durable over several', { plan: query('a', 'b'), execution: 'durable' }, 'multi_service_orchestration_workflow forced-durable'],
  ['Prefer: respond-async', { plan: query('a'), wantsAsync: 'prefer-respond-async' }, 'async:api_request_workflow prefer-respond-async'],
  [
    'startOperation over several services',
    { plan: query('a', 'b'), wantsAsync: 'start-operation' },
    'async:multi_service_orchestration_workflow start-operation',
  ],
  ['Prefer: respond-async without a service', { plan: query(), wantsAsync: 'prefer-respond-async' }, 'direct no-service'],
  [
    'Prefer: respond-async on @durable(mode: NEVER)',
    { plan: mutation([field({ durable: 'NEVER' })], 'a'), wantsAsync: 'prefer-respond-async' },
    'direct directive-never',
  ],
  [
    'Prefer: respond-async, forced direct',
    { plan: query('a', 'b'), wantsAsync: 'prefer-respond-async', execution: 'direct' },
    'direct forced-direct',
  ],
  ['settings say direct', { plan: mutation([field({ durable: 'ALWAYS' })], 'a', 'b'), policy: 'direct' }, 'direct config'],
  ['settings say durable', { plan: query('a'), policy: 'durable' }, 'api_request_workflow config'],
  ['settings say async', { plan: query('a'), policy: 'async' }, 'async:api_request_workflow config'],
  [
    'settings say durable, the caller says async',
    { plan: query('a'), policy: 'durable', wantsAsync: 'prefer-respond-async' },
    'async:api_request_workflow prefer-respond-async',
  ],
  [
    'Temporal away, query, respond-async',
    { plan: query('a'), wantsAsync: 'prefer-respond-async', isTemporalAvailable: false },
    'direct temporal-unavailable',
  ],
  [
    'Temporal away, query, startOperation',
    { plan: query('a'), wantsAsync: 'start-operation', isTemporalAvailable: false },
    'refused temporal-unavailable',
  ],
  ['Temporal away, query', { plan: query('a', 'b'), isTemporalAvailable: false }, 'direct temporal-unavailable'],
  ['Temporal away, mutation', { plan: mutation([field()], 'a', 'b'), isTemporalAvailable: false }, 'refused temporal-unavailable'],
  ['too large for a run, query', { plan: query('a', 'b'), isTooLargeForRun: true }, 'direct too-large-for-run'],
  ['too large for a run, forced query', { plan: query('a'), execution: 'durable', isTooLargeForRun: true }, 'direct too-large-for-run'],
  ['too large for a run, query in one service', { plan: query('a'), isTooLargeForRun: true }, 'direct one-service'],
  [
    'too large for a run, startOperation',
    { plan: query('a'), wantsAsync: 'start-operation', isTooLargeForRun: true },
    'refused too-large-for-run',
  ],
  ['too large for a run, mutation', { plan: mutation([field()], 'a', 'b'), isTooLargeForRun: true }, 'refused too-large-for-run'],
  ['too large for a run, simple mutation', { plan: mutation([field()], 'a'), isTooLargeForRun: true }, 'direct one-service'],
  ['Temporal away, simple mutation', { plan: mutation([field()], 'a'), isTemporalAvailable: false }, 'direct one-service'],
];

describe('routeOperation', () => {
  it.each(CASES)('%s', (_, input, expected) => {
    const route = routeOperation({ execution: 'auto', hasIdempotencyKey: false, isTemporalAvailable: true, ...input });
    expect(
      `${route.path === 'durable' ? '' : route.path}${route.path === 'async' ? ':' : ''}${'workflow' in route ? route.workflow : ''} ${route.reason}`,
    ).toBe(expected);
  });
});
