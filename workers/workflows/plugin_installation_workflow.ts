import { type ActivityInterfaceFor, CancellationScope, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { PluginActivities, PluginStep } from '#schema/contracts/activities';
import type { AuthContext } from '#schema/contracts/identity';
import { toOperationId } from '#schema/contracts/ids';
import {
  type InstalledPlugin,
  type PluginInstallationRequest,
  SCAN_CHECKS,
  type ScanCheck,
  toPluginServiceName,
} from '#schema/contracts/plugins';
import { OPERATION_FACTS_MEMO, type OperationFacts } from '#schema/contracts/operations';
import { createCancellableWork } from './shared/cancellation.js';
import { toFailure, toWorkflowFailure } from './shared/failures.js';
import { createReporter, type StepName } from './shared/operation-reporter.js';
import { createSaga, type Saga } from './shared/saga.js';

const DEADLINE_MS = 10 * 60 * 1000;

type Activities = ActivityInterfaceFor<PluginActivities>;

/** @param summary - what Temporal's UI calls them */
const activitiesOf = (summary: string): Activities =>
  proxyActivities<PluginActivities>({
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '2m',
    heartbeatTimeout: '10s',
    retry: { maximumAttempts: 5, initialInterval: '200ms', backoffCoefficient: 2 },
    summary,
  });
/** An undo is tried for as long as it takes. */
const undosOf = (summary: string): Activities =>
  proxyActivities<PluginActivities>({
    startToCloseTimeout: '30s',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '500ms', maximumInterval: '30s', maximumAttempts: 50 },
    summary,
  });

const SCAN_LABELS: Record<ScanCheck, string> = {
  archive: 'Scan the archive',
  static: 'Scan the source',
  permissions: 'Compare permissions',
  smoke: 'Try it in a sandbox',
};
const STEPS = {
  resolve: { id: 'resolve', label: 'Find the version' },
  fetch: { id: 'fetch', label: 'Fetch the package' },
  verify: { id: 'verify', label: 'Verify the signature' },
  manifest: { id: 'validate-manifest', label: 'Validate the manifest' },
  schema: { id: 'validate-schema', label: 'Validate the schema' },
  load: { id: 'load', label: 'Load it in its sandbox' },
  publish: { id: 'publish', label: 'Publish the new supergraph' },
  served: { id: 'served', label: 'Wait for every gateway' },
  probe: { id: 'probe', label: 'Probe the plugin' },
  activate: { id: 'activate', label: 'Mark it active' },
} as const;
const scanStep = (check: ScanCheck) => ({ id: `scan-${check}`, label: SCAN_LABELS[check] });

/** In the order of the story; each with the undo that takes it back. */
export const INSTALLATION_STEPS = [
  STEPS.resolve,
  STEPS.fetch,
  STEPS.verify,
  ...SCAN_CHECKS.map(scanStep),
  STEPS.manifest,
  STEPS.schema,
  STEPS.load,
  STEPS.publish,
  STEPS.served,
  STEPS.probe,
  STEPS.activate,
];

/**
 * Brings a signed plugin into the live supergraph. When a step fails, or somebody cancels, every step before it is taken back.
 *
 * @throws ApplicationFailure with a code of the plugins' section of the registry; CancelledFailure
 */
export async function plugin_installation_workflow(request: PluginInstallationRequest, auth: AuthContext): Promise<InstalledPlugin> {
  const { workflowId, firstExecutionRunId, memo } = workflowInfo();
  const operationId = toOperationId({ workflowId, runId: firstExecutionRunId });
  const reporter = createReporter({ showsStatus: true });
  const work = createCancellableWork(reporter);
  const saga = createSaga(reporter);
  const facts = memo?.[OPERATION_FACTS_MEMO] as OperationFacts | undefined;
  reporter.started(facts?.title ?? `Install ${request.plugin}`, INSTALLATION_STEPS);

  try {
    const installed = await work.run(() => withDeadline(() => install(saga, request, auth, operationId)));
    reporter.completed();
    return installed;
  } catch (error) {
    await saga.compensate();
    if (work.isCancelled()) {
      reporter.cancelled(work.reason());
      throw await work.toFailure();
    }
    const failure = toFailure(error);
    reporter.failed(failure);
    throw toWorkflowFailure(failure);
  }
}

interface PluginUndo {
  label: string;
  run(activities: Activities): Promise<void>;
}

async function install(
  saga: Saga,
  { plugin, version, grantedPermissions: granted }: PluginInstallationRequest,
  auth: AuthContext,
  operationId: string,
): Promise<InstalledPlugin> {
  const run = <T>(name: StepName, work: (activities: Activities) => Promise<T>, undo?: PluginUndo): Promise<T> =>
    saga.step(
      name,
      () => work(activitiesOf(name.label)),
      undo === undefined ? undefined : { label: undo.label, run: () => undo.run(undosOf(undo.label)) },
    );

  const step: PluginStep = await run(STEPS.resolve, (by) => by.resolve_plugin_activity({ operationId, plugin, version }));
  await run(STEPS.fetch, (by) => by.fetch_package_activity(step), {
    label: 'Release the package',
    run: (by) => by.release_package_activity(step),
  });
  await run(STEPS.verify, (by) => by.verify_signature_activity(step));

  const deleteReports: PluginUndo = { label: 'Delete the scan report', run: (by) => by.delete_scan_reports_activity(step) };
  await allOrFirstFailure([
    run(STEPS.manifest, (by) => by.validate_manifest_activity(step)),
    run(STEPS.schema, (by) => by.validate_schema_activity(step)),
    ...SCAN_CHECKS.map((check) => run(scanStep(check), (by) => by.scan_package_activity({ ...step, check, granted }), deleteReports)),
  ]);

  const service = await run(STEPS.load, (by) => by.load_sandbox_activity({ ...step, granted }), {
    label: 'Unload it',
    run: (by) => by.unload_sandbox_activity(step),
  });
  const { generation } = await run(
    STEPS.publish,
    (by) => by.publish_generation_activity({ operationId, change: { kind: 'put', service }, requestedBy: auth }),
    // Not "the one before": somebody else's change may have been published meanwhile.
    {
      label: 'Publish a supergraph without it',
      run: async (by) =>
        void (await by.publish_generation_activity({
          operationId,
          change: { kind: 'remove', name: toPluginServiceName(plugin) },
          requestedBy: auth,
        })),
    },
  );
  await run(STEPS.served, (by) => by.await_generation_served_activity({ generation }));
  await run(STEPS.probe, (by) => by.probe_plugin_activity(step));
  return run(STEPS.activate, (by) => by.mark_plugin_active_activity({ ...step, generation, granted, auth }), {
    label: 'Take the installation back',
    run: (by) => by.delete_installation_activity(step),
  });
}

/** Waits for all of them, so that no undo meets a step that still works; then the first failure counts. */
async function allOrFirstFailure(steps: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(steps);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Races the work against a timer; the loser is cancelled. */
async function withDeadline<T>(work: () => Promise<T>): Promise<T> {
  const timer = new CancellationScope();
  const scope = new CancellationScope();
  const deadline = timer
    .run(() => sleep(DEADLINE_MS, { summary: 'deadline' }))
    .then(() => {
      scope.cancel();
      throw toWorkflowFailure({ code: 'DEADLINE_EXCEEDED', message: 'the installation took longer than 10 minutes', retryable: true });
    });
  const done = scope.run(work);
  try {
    return await Promise.race([done, deadline]);
  } finally {
    timer.cancel();
    await Promise.allSettled([done, deadline]);
  }
}
