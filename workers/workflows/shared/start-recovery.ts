import { defineSearchAttributeKey } from '@temporalio/common';
import { CancellationScope, patched, startChild, workflowInfo } from '@temporalio/workflow';
import { toOperationId, toRecoveryId } from '#schema/contracts/ids';
import { OPERATION_FACTS_MEMO, type OperationFacts } from '#schema/contracts/operations';
import type { ErrorContext, FailedRequest, Workflows } from '#schema/contracts/workflows';

type Recovery = Workflows['error_recovery_workflow'];

/**
 * Hands what became of a failed run to a run that outlives it.
 *
 * @returns the recovery's operation id; null in a run that began before there was any
 */
export async function startRecovery(failed: Omit<FailedRequest, 'operationId' | 'title'>, context: ErrorContext): Promise<string | null> {
  // Before: a failed run ended with its answer. After: it starts error_recovery_workflow first. Since: 0.1.0, November 2026.
  if (!patched('error-recovery')) return null;
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const operationId = toOperationId({ workflowId, runId: firstExecutionRunId });
  const title = failed.request.operationName ?? failed.request.plan.kind;
  const facts = {
    kind: 'RECOVERY',
    title: `Recovery of ${title}`,
    tenant: context.auth.tenant,
    startedBy: context.auth.principal,
    recovers: operationId,
  } satisfies OperationFacts;
  return CancellationScope.nonCancellable(async () => {
    const recovery = await startChild<(...args: Recovery['args']) => Promise<Recovery['result']>>('error_recovery_workflow', {
      workflowId: toRecoveryId(operationId),
      args: [{ ...failed, operationId, title }, context],
      parentClosePolicy: 'ABANDON',
      workflowTaskTimeout: '3s',
      memo: { [OPERATION_FACTS_MEMO]: facts },
      staticSummary: facts.title,
      typedSearchAttributes: [
        { key: defineSearchAttributeKey('Kind', 'KEYWORD'), value: facts.kind },
        { key: defineSearchAttributeKey('Tenant', 'KEYWORD'), value: facts.tenant },
        { key: defineSearchAttributeKey('Status', 'KEYWORD'), value: 'WORKING' },
      ],
    });
    return toOperationId({ workflowId: recovery.workflowId, runId: recovery.firstExecutionRunId });
  });
}
