// SLUICE_SUBGRAPHS while we run: looks at its files every second, asks services for their schemas every few, publishes what changed.
// L1. Only a change of what this process reads is published: processes with different lists would else undo each other for ever.
// L2. A list, a schema or a composition that is wrong changes nothing; it is said once and tried again when something changes.
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCodeOf } from '#schema/contracts/errors';
import { readFileStamps } from '#platform/file-stamps';
import type { Logger } from '#platform/logger';
import { describeRefusal, prepareSupergraph } from './prepare-supergraph.js';
import { type ListedServices, NO_LISTED_SERVICES, readListedServices } from './service-list.js';

const FILES_POLL_MS = 1_000;

export interface FollowedServiceList {
  close(): Promise<void>;
}

/**
 * @param options.askEveryMs - how often services that tell their own schema are asked
 */
export function followServiceList(
  options: Parameters<typeof prepareSupergraph>[0] & { subgraphsFile: string; askEveryMs: number; log: Logger; filesPollMs?: number },
): FollowedServiceList {
  const { subgraphsFile, askEveryMs, log, filesPollMs = FILES_POLL_MS } = options;
  const ended = new AbortController();
  let list: ListedServices = { ...NO_LISTED_SERVICES, files: [subgraphsFile] };
  let published = '';
  let complaint = '';
  let stamp = '';

  async function publishIfChanged(): Promise<void> {
    list = await readListedServices(subgraphsFile);
    const key = JSON.stringify([list.services, [...list.addresses]]);
    if (key === published) return;
    const { number } = await prepareSupergraph(options);
    published = key;
    log.info({ generation: number, services: list.services.map(({ name }) => name) }, 'listed services are published');
  }

  async function look(): Promise<void> {
    let askedAtMs = 0;
    while (!ended.signal.aborted) {
      try {
        const now = await readFileStamps(list.files);
        const isDue = list.asksServices && Date.now() - askedAtMs >= askEveryMs;
        if (now !== stamp || isDue) {
          stamp = now;
          askedAtMs = Date.now();
          // A file that changes meanwhile has another stamp at the next look. So have files that this one finds: they are read twice.
          await publishIfChanged();
          complaint = '';
        }
      } catch (error) {
        const { message } = error as Error;
        if (message !== complaint) log.warn(describeRefusal(error), 'listed services could not be taken over; what is served stays');
        complaint = message;
        // Nobody will change a file because of that.
        if (errorCodeOf(error) === 'DATABASE_UNAVAILABLE') stamp = '';
        if (errorCodeOf(error) === 'SUBGRAPH_UNREACHABLE') list = { ...list, asksServices: true };
      }
      await sleep(filesPollMs, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
    }
  }

  const looking = look();
  return {
    async close() {
      ended.abort();
      await looking;
    },
  };
}
