import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import { type Composer, CompositionError } from '#schema/contracts/supergraph';
import { keepRunning } from '#platform/keep-running';
import type { Logger } from '#platform/logger';
import { createThreadClient, startThread } from '#platform/threads';
import type { ComposerMethods } from './composer-thread.js';

const COMPOSE_TIMEOUT_MS = 30_000;

/**
 * Composer over @apollo/composition in a thread of its own: composing blocks for a tenth of a second and more. The thread starts
 * with the first composition, and again after one that had to be ended for its time.
 *
 * @param options.giveUp - told when the thread keeps ending by itself and is not started again
 */
export function createComposer(options: { log?: Logger; giveUp?: (reason: unknown) => void } = {}): Composer & { close(): Promise<void> } {
  const thread = keepRunning({
    name: 'the composer',
    start: () => Promise.resolve(createThreadClient<ComposerMethods>(startThread(new URL('./composer-thread.js', import.meta.url)))),
    ...options,
  });

  /** @throws PART_LOST when the thread ended by itself, else COMPOSITION_FAILED with `failure` */
  async function ask<M extends keyof ComposerMethods & string>(
    method: M,
    argument: Parameters<ComposerMethods[M]>[0],
    failure: string,
  ): Promise<Awaited<ReturnType<ComposerMethods[M]>>> {
    const client = await thread.current();
    try {
      return await client.call(method, argument, COMPOSE_TIMEOUT_MS);
    } catch (cause) {
      if (errorCodeOf(cause) === 'PART_LOST' && (await client.ended) === 'died') throw cause;
      throw new CodedError('COMPOSITION_FAILED', failure, { cause });
    }
  }

  return {
    async compose(services) {
      const composed = await ask('compose', services, 'the composer gave no answer: it failed or took too long');
      if ('problems' in composed) throw new CompositionError(composed.problems);
      return composed;
    },
    compare: (before, after) => ask('compare', { before, after }, 'the supergraphs could not be compared'),
    close: () => thread.close(),
  };
}
