// Recorded histories of every workflow replay on the present code: a change that would break a running one fails here. How they are
// recorded: record-histories.test.ts.
import { readFile } from 'node:fs/promises';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { createDataConverter } from '#platform/payload-codec';
import type { WorkflowName } from '#schema/contracts/workflows';
import { loadTestKeys } from '#tests/support/test-keys';
import { bundleOptions } from '../bundle.js';
import { readHistories } from './recorded-histories.js';

/** How a recorded run ended; OPEN: it was running. Until November 2026 Temporal took a cancelled run for FAILED. */
type End = 'COMPLETED' | 'FAILED' | 'CANCELED' | 'CONTINUED_AS_NEW' | 'OPEN';

/** Whoever adds a workflow, or a way for one to end, adds a history of it. */
const BEHAVIOURS: Record<WorkflowName, Readonly<Record<string, End>>> = {
  api_request_workflow: {
    success: 'COMPLETED',
    failed: 'FAILED',
    cancelled: 'CANCELED',
    recovering: 'COMPLETED',
    resumed: 'COMPLETED',
  },
  async_request_workflow: {
    success: 'COMPLETED',
    failed: 'FAILED',
    cancelled: 'FAILED',
    'ended-cancelled': 'CANCELED',
    recovering: 'COMPLETED',
    webhook: 'COMPLETED',
    'saga-compensated': 'COMPLETED',
    'saga-late': 'COMPLETED',
    'saga-cancelled-partially': 'CANCELED',
    'saga-cancelled-left': 'CANCELED',
  },
  error_recovery_workflow: {
    automatic: 'COMPLETED',
    recovered: 'COMPLETED',
    edited: 'COMPLETED',
    compensated: 'COMPLETED',
    skipped: 'COMPLETED',
    'given-up': 'COMPLETED',
    refused: 'COMPLETED',
    cancelled: 'CANCELED',
    continued: 'CONTINUED_AS_NEW',
    continuation: 'COMPLETED',
  },
  multi_service_orchestration_workflow: {
    success: 'COMPLETED',
    'reports-at-end': 'COMPLETED',
    'reports-with-result': 'COMPLETED',
    child: 'COMPLETED',
    partial: 'COMPLETED',
    late: 'COMPLETED',
    'late-between-fetches': 'COMPLETED',
    'outcome-unknown': 'COMPLETED',
    cancelled: 'FAILED',
    'ended-cancelled': 'CANCELED',
    'saga-success': 'COMPLETED',
    'saga-compensated': 'COMPLETED',
    'saga-partially-compensated': 'COMPLETED',
    'saga-cancelled': 'FAILED',
    'saga-cancelled-partially': 'CANCELED',
    'saga-cancelled-left': 'CANCELED',
  },
  plugin_installation_workflow: { success: 'COMPLETED', compensated: 'FAILED', cancelled: 'CANCELED' },
  supergraph_coordinator_workflow: { success: 'OPEN', continued: 'CONTINUED_AS_NEW', continuation: 'OPEN' },
  webhook_delivery_workflow: { delivered: 'COMPLETED', failed: 'FAILED', undelivered: 'FAILED', cancelled: 'CANCELED' },
};
/** It never ends: publishing and going on is what it is for. */
const NEVER_ENDS: readonly string[] = ['supergraph_coordinator_workflow'];

describe('recorded histories', async () => {
  const histories = await readHistories();
  const wanted = Object.entries(BEHAVIOURS).flatMap(([type, behaviours]) =>
    Object.entries(behaviours).map(([behaviour, end]) => ({ name: `${type}.${behaviour}`, type, end })),
  );

  it('are there for every behaviour of every workflow type, its success among them', async () => {
    const index = await readFile(new URL('../workflows/index.ts', import.meta.url), 'utf8');
    const types = [...index.matchAll(/export \{ (\w+) \}/g)].map(([, name]) => name);
    expect(types.length).toBeGreaterThan(0);
    expect(Object.keys(BEHAVIOURS).sort()).toEqual(types.sort());
    expect([...histories.keys()].sort()).toEqual(wanted.map(({ name }) => name).sort());
    for (const type of types)
      expect(wanted.some((one) => one.type === type && one.end === (NEVER_ENDS.includes(type ?? '') ? 'OPEN' : 'COMPLETED'))).toBe(true);
  });

  it.each(wanted)('$name is of its type and ends as $end', ({ name, type, end }) => {
    const events = histories.get(name)?.events ?? [];
    expect(events[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name).toBe(type);
    const last = events.at(-1);
    const ends: Record<Exclude<End, 'OPEN'>, unknown> = {
      COMPLETED: last?.workflowExecutionCompletedEventAttributes,
      FAILED: last?.workflowExecutionFailedEventAttributes,
      CANCELED: last?.workflowExecutionCanceledEventAttributes,
      CONTINUED_AS_NEW: last?.workflowExecutionContinuedAsNewEventAttributes,
    };
    expect(Object.entries(ends).find(([, attributes]) => attributes != null)?.[0] ?? 'OPEN').toBe(end);
  });

  it('replay', async () => {
    // Payloads are sealed for their workflow, so it has to be replayed under its own id.
    const replayed = [...histories].map(([name, history]) => ({
      workflowId: history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? name,
      history,
    }));
    const dataConverter = createDataConverter(await loadTestKeys(), { namespace: 'default' });
    const { workflowsPath, preloadModules = [] } = bundleOptions();
    const failed: string[] = [];
    for await (const { workflowId, error } of Worker.runReplayHistories(
      { workflowsPath, bundlerOptions: { preloadModules }, dataConverter },
      replayed,
    )) {
      if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
    }
    expect(failed).toEqual([]);
  });
});
