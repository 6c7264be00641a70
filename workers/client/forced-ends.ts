// Requests that ended without a word of their own: terminated, or past Temporal's time-out. Their recovery is started from outside, with what
// the request was started with; what it has finished is not known.
import type { Client, ConnectionLike, WorkflowExecutionDescription } from '@temporalio/client';
import { decodeArrayFromPayloads, ExternalStorageRunner } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import { type RunReference, toOperationId } from '#schema/contracts/ids';
import type { OperationFailure } from '#schema/contracts/operations';
import type { AsyncRequest, ComplexRequest, ErrorContext, FailedRequest, IncomingRequest } from '#schema/contracts/workflows';
import { toFailure } from './history-events.js';

export interface ForcedEnd {
  failed: FailedRequest;
  context: ErrorContext;
  taskQueue: string;
}

/** @throws CONFLICT when the run was not ended by force, or is no request */
export async function readForcedEnd(
  { client, connection, namespace }: { client: Client; connection: ConnectionLike; namespace: string },
  run: RunReference,
): Promise<ForcedEnd> {
  const description = await client.workflow.getHandle(run.workflowId, run.runId).describe();
  const failure = toForcedFailure(description);
  const { history } = await connection.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: run,
    maximumPageSize: 1,
  });
  const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const { loadedDataConverter } = client.options;
  const { externalStorage } = loadedDataConverter;
  const stored = externalStorage === undefined ? payloads : await new ExternalStorageRunner(externalStorage).retrieve(payloads);
  const { workflow, request, auth } = toRequest(description.type, await decodeArrayFromPayloads(loadedDataConverter, stored));
  return {
    failed: { operationId: toOperationId(run), title: request.operationName ?? request.plan.kind, workflow, request },
    context: {
      auth,
      trouble: {
        // Whoever ended it had a reason: nothing is sent again unasked.
        class: 'unsure',
        failure,
        unfinished: [],
        retryAfterMs: 0,
        keyBase:
          request.keyBase ?? (description.type === 'async_request_workflow' ? await toKeyBaseOfChild(client, run) : toOperationId(run)),
        answers: request.plan.saga === undefined ? [] : null,
        left: [],
      },
      response: { data: null, errors: [{ message: failure.message, extensions: { ...failure } }] },
      wasAnswered: true,
    },
    taskQueue: description.taskQueue,
  };
}

function toForcedFailure({ status }: WorkflowExecutionDescription): OperationFailure {
  if (status.name === 'TERMINATED') return toFailure('OPERATION_TERMINATED');
  if (status.name === 'TIMED_OUT') return toFailure('DEADLINE_EXCEEDED');
  throw new CodedError('CONFLICT', 'the operation was not ended by force');
}

function toRequest(type: string, [first, second]: readonly unknown[]): Pick<FailedRequest, 'workflow' | 'request'> & { auth: AuthContext } {
  switch (type) {
    case 'api_request_workflow': {
      const { auth, credential: _, ...request } = first as IncomingRequest;
      return { workflow: type, request, auth };
    }
    case 'multi_service_orchestration_workflow':
      return { workflow: type, request: first as ComplexRequest, auth: second as AuthContext };
    case 'async_request_workflow': {
      const { workflow, request } = first as AsyncRequest;
      return { workflow, request, auth: second as AuthContext };
    }
    default:
      throw new CodedError('CONFLICT', 'the operation is no request');
  }
}

/** The child sends, so the keys are its own; without one nothing was sent. */
async function toKeyBaseOfChild(client: Client, run: RunReference): Promise<string> {
  try {
    const workflowId = `${run.workflowId}/run`;
    const { runId } = await client.workflow.getHandle(workflowId).describe();
    return toOperationId({ workflowId, runId });
  } catch (error) {
    if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
    return toOperationId(run);
  }
}
