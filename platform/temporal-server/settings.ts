import { SEARCH_ATTRIBUTES } from '#schema/contracts/workflows';

/** The same values stand in deploy/temporal/dynamic-config.yaml, where they are explained. */
export const DYNAMIC_CONFIG: Readonly<Record<string, number | boolean | string>> = {
  'history.transferProcessorMaxPollRPS': 1000,
  'history.timerProcessorMaxPollRPS': 1000,
  'history.visibilityProcessorMaxPollRPS': 1000,
  'history.timerProcessorMaxTimeShift': '20ms',
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

/** Where the gateway decodes histories. */
export const CODEC_PATH = '/temporal-codec';

/** Where the server's own UI has payloads decoded. */
export interface UiCodec {
  /** Base of the codec server; the namespace is appended. */
  url: string;
  /** In the address, since that UI has no sign-in; null where it needs none. */
  capability: string | null;
}

interface ServerPlace {
  port: number;
  uiPort: number | null;
  uiCodec?: UiCodec | null;
  file: string;
  namespace: string;
}

/** Arguments of `temporal server start-dev`. */
export function toServerArguments({ uiCodec = null, ...at }: ServerPlace): string[] {
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${at.port}`,
    ...(at.uiPort === null ? ['--headless'] : ['--ui-ip=127.0.0.1', `--ui-port=${at.uiPort}`, '--ui-disable-news-fetch']),
    ...(at.uiPort === null || uiCodec === null ? [] : [`--ui-codec-endpoint=${toEndpoint(uiCodec, at.namespace)}`]),
    `--db-filename=${at.file}`,
    ...SQLITE_PRAGMAS.map((pragma) => `--sqlite-pragma=${pragma}`),
    `--namespace=${at.namespace}`,
    '--log-level=error',
    ...SEARCH_ATTRIBUTES.map((name) => `--search-attribute=${name}=Keyword`),
    ...Object.entries(DYNAMIC_CONFIG).map(([key, value]) => `--dynamic-config-value=${key}=${JSON.stringify(value)}`),
  ];
}

function toEndpoint({ url, capability }: UiCodec, namespace: string): string {
  return [url, ...(capability === null ? [] : [capability]), encodeURIComponent(namespace)].join('/');
}
