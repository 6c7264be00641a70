import { defineSearchAttributeKey } from '@temporalio/common';
import { CancellationScope, startChild, workflowInfo } from '@temporalio/workflow';
import { toOperationId } from '#schema/contracts/ids';
import { OPERATION_FACTS_MEMO, type OperationFacts } from '#schema/contracts/operations';
import type { WebhookDelivery, Workflows } from '#schema/contracts/workflows';

type Delivery = Workflows['webhook_delivery_workflow'];
const TYPES = { COMPLETED: 'operation.completed', FAILED: 'operation.failed', CANCELLED: 'operation.cancelled' } as const;

/** Starts telling of this run's end, which goes on after it. */
export async function startWebhook(end: {
  url: string;
  tenant: string;
  startedBy: string;
  status: keyof typeof TYPES;
  code: string | null;
}): Promise<void> {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const id = toOperationId({ workflowId, runId: firstExecutionRunId });
  const facts = { kind: 'WEBHOOK', title: 'Webhook', tenant: end.tenant, startedBy: end.startedBy } satisfies OperationFacts;
  const delivery: WebhookDelivery = {
    url: end.url,
    tenant: end.tenant,
    messageId: `msg_${id}`,
    message: {
      type: TYPES[end.status],
      timestamp: new Date().toISOString(),
      data: { id, status: end.status, code: end.code },
    },
  };
  await CancellationScope.nonCancellable(() =>
    startChild<(...args: Delivery['args']) => Promise<Delivery['result']>>('webhook_delivery_workflow', {
      workflowId: `${workflowId}/webhook`,
      args: [delivery],
      parentClosePolicy: 'ABANDON',
      memo: { [OPERATION_FACTS_MEMO]: facts },
      staticSummary: TYPES[end.status],
      typedSearchAttributes: [
        { key: defineSearchAttributeKey('Kind', 'KEYWORD'), value: facts.kind },
        { key: defineSearchAttributeKey('Tenant', 'KEYWORD'), value: facts.tenant },
        { key: defineSearchAttributeKey('Status', 'KEYWORD'), value: 'WORKING' },
      ],
    }),
  );
}
