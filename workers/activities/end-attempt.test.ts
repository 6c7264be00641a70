import { MockActivityEnvironment } from '@temporalio/testing';
import { CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities, ServiceCall } from '#schema/contracts/activities';
import type { ServiceAnswer } from '#schema/contracts/plan';
import { loadTestKeys } from '#tests/support/test-keys';
import { createWebhookActivities } from './deliver-webhook.js';
import { endAttempt } from './end-attempt.js';
import { createOperationActivities } from './operation-activities.js';
import { createPluginActivities } from './plugin-activities.js';
import { createRequestActivities } from './request-activities.js';
import { createSupergraphActivities } from './supergraph-activities.js';
import { translateErrors } from './translate-errors.js';

/** Something whose every method is asked and does not answer. */
function hanging<T extends object>(): T {
  const never = (): Promise<never> => new Promise(() => undefined);
  return new Proxy(never, { get: (_, name) => (name === 'then' ? undefined : hanging()) }) as unknown as T;
}

/** As the product's: a call that is cut is answered, as data. */
const fetcher = {
  fetch: ({ node, chunk }: ServiceCall, signal: AbortSignal): Promise<ServiceAnswer> => {
    const cut = { node, chunk, data: null, errors: [{ message: 'cut', extensions: { code: 'OPERATION_CANCELLED' } }] };
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(cut)));
  },
};
const silent = createServer(() => undefined);
beforeAll(async () => void (await once(silent.listen(0, '127.0.0.1'), 'listening')));
afterAll(() => {
  silent.closeAllConnections();
  silent.close();
});

const activities: Activities = {
  ...createRequestActivities({ fetcher, judge: hanging(), maxResponseChars: 1_000 }),
  ...createPluginActivities({
    ...hanging(),
    catalog: hanging(),
    blobs: hanging(),
    host: hanging(),
    serving: () => Promise.resolve([]),
    publishGeneration: hanging(),
  }),
  ...createSupergraphActivities({ publish: hanging() }),
  ...createOperationActivities({ store: hanging() }),
  ...createWebhookActivities({ keys: await loadTestKeys(), allowsPrivate: true, now: () => new Date() }),
};
/** A new activity belongs here, with what it is called with. */
const CALLS: Record<Exclude<keyof Activities, 'transform_response_activity'>, () => object> = {
  authenticate_request_activity: () => ({}),
  route_to_service_activity: () => ({ node: 1, chunk: 0, service: 'files', operationKind: 'mutation', idempotent: false }),
  insist_on_service_activity: () => ({ node: 1, chunk: 0, service: 'files', operationKind: 'mutation', idempotent: true }),
  resolve_plugin_activity: () => ({}),
  fetch_package_activity: () => ({}),
  release_package_activity: () => ({}),
  verify_signature_activity: () => ({}),
  scan_package_activity: () => ({ check: 'static' }),
  delete_scan_reports_activity: () => ({}),
  validate_manifest_activity: () => ({}),
  validate_schema_activity: () => ({}),
  load_sandbox_activity: () => ({}),
  unload_sandbox_activity: () => ({ plugin: '@sluice/x' }),
  publish_generation_activity: () => ({ operationId: 'op', change: { kind: 'remove', name: 'x' } }),
  await_generation_served_activity: () => ({ generation: 1 }),
  probe_plugin_activity: () => ({}),
  mark_plugin_active_activity: () => ({ auth: {} }),
  delete_installation_activity: () => ({}),
  compose_and_publish_activity: () => ({}),
  record_attention_activity: () => ({}),
  deliver_webhook_activity: () => ({
    url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    tenant: 't',
    messageId: 'm',
    message: {},
  }),
};
type Reason = NonNullable<Parameters<MockActivityEnvironment['cancel']>[0]>;
const NOBODYS_WISH = ['WORKER_SHUTDOWN', 'PAUSED', 'RESET', 'TIMED_OUT', 'NOT_FOUND'] as const satisfies readonly Reason[];
const log = { error: () => undefined } as never;

describe('an activity that runs when its worker shuts down, or when Temporal ends the attempt otherwise', () => {
  it.each(Object.keys(CALLS) as (keyof typeof CALLS)[])('fails as Temporal fails it, and says nothing of its own: %s', async (name) => {
    const { [name]: activity } = translateErrors(activities, log) as unknown as Record<string, (input: object) => Promise<unknown>>;
    for (const reason of NOBODYS_WISH) {
      const environment = new MockActivityEnvironment({}, { interceptors: [endAttempt] });
      const running = environment.run(activity as (input: object) => Promise<unknown>, CALLS[name]());
      const ended = running.catch((error: unknown) => error);
      // It has begun to wait for something.
      await new Promise((resolve) => setImmediate(resolve));
      environment.cancel(reason);
      const failure = await ended;
      expect(failure, reason).toBeInstanceOf(CancelledFailure);
      expect(failure, reason).toMatchObject({ message: reason });
    }
  });

  it('ends at once when the attempt was cut before it began', async () => {
    const environment = new MockActivityEnvironment({}, { interceptors: [endAttempt] });
    environment.cancel('WORKER_SHUTDOWN');
    await expect(environment.run(() => new Promise(() => undefined))).rejects.toThrow('WORKER_SHUTDOWN');
  });
});

describe('an activity that its workflow cancels', () => {
  it('ends as it likes', async () => {
    const environment = new MockActivityEnvironment({}, { interceptors: [endAttempt] });
    const running = environment.run(async () => {
      await Context.current().cancelled.catch(() => undefined);
      return 'tidied up';
    });
    environment.cancel('CANCELLED');
    expect(await running).toBe('tidied up');
  });
});
