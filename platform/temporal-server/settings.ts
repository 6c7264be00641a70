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

/** Arguments of `temporal server start-dev`. */
export function toServerArguments(at: { port: number; uiPort: number | null; file: string; namespace: string }): string[] {
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${at.port}`,
    ...(at.uiPort === null ? ['--headless'] : ['--ui-ip=127.0.0.1', `--ui-port=${at.uiPort}`, '--ui-disable-news-fetch']),
    `--db-filename=${at.file}`,
    `--namespace=${at.namespace}`,
    '--log-level=error',
    ...SEARCH_ATTRIBUTES.map((name) => `--search-attribute=${name}=Keyword`),
    ...Object.entries(DYNAMIC_CONFIG).map(([key, value]) => `--dynamic-config-value=${key}=${value}`),
  ];
}
