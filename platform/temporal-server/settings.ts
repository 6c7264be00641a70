import { SEARCH_ATTRIBUTES } from '#schema/contracts/workflows';

/** The same values stand in deploy/temporal/dynamic-config.yaml, where the first three are explained. */
export const DYNAMIC_CONFIG: Readonly<Record<string, number | boolean>> = {
  'history.transferProcessorMaxPollRPS': 1000,
  'history.timerProcessorMaxPollRPS': 1000,
  'history.visibilityProcessorMaxPollRPS': 1000,
  'system.enableActivityEagerExecution': true,
  'matching.enableFairness': true,
  'frontend.namespaceCount': 5000,
  'frontend.namespaceRPS': 10000,
};

/**
 * A commit is one append to a log and one flush of it, where a rollback journal writes and flushes journal and table: 24 flushes for an
 * empty workflow became 6.7. Every commit is flushed before it is confirmed, as before.
 */
const SQLITE_PRAGMAS = ['journal_mode=WAL', 'synchronous=FULL'];

/** Arguments of `temporal server start-dev`. */
export function toServerArguments(at: { port: number; uiPort: number | null; file: string; namespace: string }): string[] {
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${at.port}`,
    ...(at.uiPort === null ? ['--headless'] : ['--ui-ip=127.0.0.1', `--ui-port=${at.uiPort}`, '--ui-disable-news-fetch']),
    `--db-filename=${at.file}`,
    ...SQLITE_PRAGMAS.map((pragma) => `--sqlite-pragma=${pragma}`),
    `--namespace=${at.namespace}`,
    '--log-level=error',
    ...SEARCH_ATTRIBUTES.map((name) => `--search-attribute=${name}=Keyword`),
    ...Object.entries(DYNAMIC_CONFIG).map(([key, value]) => `--dynamic-config-value=${key}=${value}`),
  ];
}
