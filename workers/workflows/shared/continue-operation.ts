import { makeContinueAsNewFunc, type Workflow, workflowInfo } from '@temporalio/workflow';
import { OPERATION_FACTS_MEMO, type OperationFacts } from '#schema/contracts/operations';

/** Goes on as a new run of the same operation: it says whose continuation it is, since lists know no more of a run than its memo. */
export function continueOperation<W extends Workflow>(...args: Parameters<W>): Promise<never> {
  const { memo, firstExecutionRunId, startTime } = workflowInfo();
  const facts = memo?.[OPERATION_FACTS_MEMO] as OperationFacts | undefined;
  const continues = facts?.continues ?? { runId: firstExecutionRunId, createdAt: startTime.toISOString() };
  return makeContinueAsNewFunc<W>({ memo: { [OPERATION_FACTS_MEMO]: { ...facts, continues } } })(...args);
}
