import { CodedError } from '#schema/contracts/errors';
import { type Composer, CompositionError } from '#schema/contracts/supergraph';
import { createThreadClient, startThread, type ThreadClient } from '#platform/threads';
import type { ComposerMethods } from './composer-thread.js';

const COMPOSE_TIMEOUT_MS = 30_000;

/**
 * Composer over @apollo/composition in a thread of its own: composing blocks for a tenth of a second and more. The thread starts
 * with the first composition, and again after one that had to be ended for its time.
 */
export function createComposer(): Composer & { close(): Promise<void> } {
  let thread: ThreadClient<ComposerMethods> | undefined;

  function openThread(): ThreadClient<ComposerMethods> {
    if (thread !== undefined) return thread;
    const started = createThreadClient<ComposerMethods>(startThread(new URL('./composer-thread.js', import.meta.url)));
    void started.ended.then(() => {
      if (thread === started) thread = undefined;
    });
    return (thread = started);
  }

  return {
    async compose(services) {
      let composed;
      try {
        composed = await openThread().call('compose', services, COMPOSE_TIMEOUT_MS);
      } catch (cause) {
        throw new CodedError('COMPOSITION_FAILED', 'the composer gave no answer: it failed or took too long', { cause });
      }
      if ('problems' in composed) throw new CompositionError(composed.problems);
      return composed;
    },
    async compare(before, after) {
      try {
        return await openThread().call('compare', { before, after }, COMPOSE_TIMEOUT_MS);
      } catch (cause) {
        throw new CodedError('COMPOSITION_FAILED', 'the supergraphs could not be compared', { cause });
      }
    },
    close: async () => thread?.close(),
  };
}
