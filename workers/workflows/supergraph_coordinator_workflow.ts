import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SupergraphActivities } from '#schema/contracts/activities';
import { type CoordinatorState, PUBLISH_GENERATION_UPDATE, type PublishGeneration } from '#schema/contracts/workflows';

const { compose_and_publish_activity } = proxyActivities<SupergraphActivities>({
  startToCloseTimeout: '30s',
  // Every publication waits for the one before: not for the whole time of one whose process is gone.
  heartbeatTimeout: '5s',
  retry: { maximumAttempts: 5, initialInterval: '200ms' },
  summary: 'compose and publish a generation',
});

export const publishGeneration = defineUpdate<{ generation: number }, [PublishGeneration]>(PUBLISH_GENERATION_UPDATE);

/** An Update is five history events, and 2,000 of them end a run. */
const MAX_PUBLICATIONS = 500;
/** Answers kept for repeats over continue-as-new. */
const KEPT = 100;

/** One per deployment: publishes supergraph generations one after the other. It never ends. */
export async function supergraph_coordinator_workflow(state: CoordinatorState): Promise<void> {
  const published = [...state.published];
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;

  async function publish(request: PublishGeneration): Promise<{ generation: number }> {
    const known = published.find(({ requestId }) => requestId === request.requestId);
    if (known !== undefined) return { generation: known.generation };
    const result = await compose_and_publish_activity(request);
    published.push({ requestId: request.requestId, ...result });
    return result;
  }
  setHandler(publishGeneration, (request) => {
    count += 1;
    const mine = last.then(() => publish(request));
    // The next one waits for this one's end, whichever it is.
    last = mine.catch(() => undefined);
    return mine;
  });

  await condition(() => count >= MAX_PUBLICATIONS || workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  await continueAsNew<typeof supergraph_coordinator_workflow>({ published: published.slice(-KEPT) });
}
