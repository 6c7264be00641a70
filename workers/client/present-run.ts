// An operation is named by its first run. After continue-as-new another run goes on with it, and the first one is kept only as long as any
// run that has ended: then the present run alone tells whose continuation it is.
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import type { RunReference } from '#schema/contracts/ids';

/**
 * The run that works for an operation now, or the last one that did. Workflows that continue as new never use an id twice, so the newest
 * run under their id is it.
 *
 * @returns undefined when nothing of the operation is kept
 */
export async function describePresentRun(
  client: Client,
  { workflowId, runId }: RunReference,
): Promise<WorkflowExecutionDescription | undefined> {
  const named = await describeIfKept(client, workflowId, runId);
  if (named !== undefined && named.status.name !== 'CONTINUED_AS_NEW') return named;
  const newest = await describeIfKept(client, workflowId);
  return newest?.raw.workflowExecutionInfo?.firstRunId === runId ? newest : undefined;
}

/** @param runId - @default the newest run of that id */
export async function describeIfKept(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription | undefined> {
  return client.workflow
    .getHandle(workflowId, runId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
}
